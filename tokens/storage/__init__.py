"""SQL in batches over libpq."""
