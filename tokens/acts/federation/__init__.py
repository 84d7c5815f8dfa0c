"""Acts on what issuers vouch for: trusts and their tokens."""
