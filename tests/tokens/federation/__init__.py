"""Federated authentication: JWTs of issuers that clients trust."""
