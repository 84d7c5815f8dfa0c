"""The demonstration, real servers for tests, example data, gallery, translations. Not part of the image."""
