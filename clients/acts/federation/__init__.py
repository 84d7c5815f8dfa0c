"""Acts on issuers and their keys, and on the addresses at which clients publish theirs (PROTOCOL F-32, F-35, F-37)."""
