"""Acts on a client's credentials."""
