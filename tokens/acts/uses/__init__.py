"""Acts that follow from how clients were used."""
