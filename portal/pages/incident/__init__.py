"""The incident desk: something has leaked."""
