"""Acts on contacts and staff."""
