"""The demonstration, real servers for tests, example data, gallery, translations: never in the image."""
