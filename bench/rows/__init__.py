"""Rows for the databases that are measured."""
