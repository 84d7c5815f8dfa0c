"""Acts about signing in: sessions, passkeys, confirmation by code, limits on guessing."""
