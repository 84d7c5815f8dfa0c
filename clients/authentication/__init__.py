"""Acts on sign-in: sessions, passkeys, confirmation by code, limits on guessing."""
