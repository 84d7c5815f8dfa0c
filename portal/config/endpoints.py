"""Addresses of the authorization server's endpoints, as pages show them."""

from django.conf import settings


def token_address() -> str:
    """Return the URL of the token endpoint."""
    return f"{settings.PUBLIC_URL}{settings.OAUTH_PATH}token"
