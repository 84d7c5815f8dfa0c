"""Arithmetic that tells weak keys from strong ones."""
