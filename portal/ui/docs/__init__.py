"""The pages of the documentation as a list, for its side list and for the search."""
