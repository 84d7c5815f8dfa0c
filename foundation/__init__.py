"""What every package stands on; it knows nothing of clients, tokens or pages."""
