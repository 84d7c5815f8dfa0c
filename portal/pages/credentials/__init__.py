"""Keys, secrets and tokens of a client, and the dry run."""
