"""Keys: their files, their public halves, signatures by them, and a local verdict on them."""
