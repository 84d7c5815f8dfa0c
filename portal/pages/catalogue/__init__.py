"""APIs and their scopes."""
