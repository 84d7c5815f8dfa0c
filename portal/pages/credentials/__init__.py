"""Keys, secrets and tokens of one client, and the dry run."""
