"""Sign-in of contacts and staff."""
