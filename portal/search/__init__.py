"""Search for clients by whatever somebody has in hand."""
