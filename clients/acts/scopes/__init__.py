"""Scopes that end on a date: their deprecation, and what becomes due with time."""
