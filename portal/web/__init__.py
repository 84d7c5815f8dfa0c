"""The state of an HTTP request: its session, its kept form, its limits."""
