"""The change log, a client at a moment, verification."""
