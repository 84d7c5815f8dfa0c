"""Organisations: their numbers, and the register that knows them."""
