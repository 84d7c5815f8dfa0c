"""Sign-in, sessions and passkeys of a person."""
