"""Entry points of the web process."""
