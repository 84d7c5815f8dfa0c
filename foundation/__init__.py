"""Helpers for every package, without knowledge of clients, tokens or pages."""
