"""How contacts and staff sign in."""
