"""Fetching of keys that others publish, by the worker only (PROTOCOL F-35)."""
