"""Issuers whose JWTs clients may trust."""
