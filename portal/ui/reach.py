"""The reach of a client: what its scopes give access to, in the reader's language."""

from django.utils.translation import get_language

from clients.models import Client


def of_client(client: Client) -> list[dict[str, object]]:
    """Return the rows of security/reachable_scopes.html, sensitive scopes first."""
    language = get_language() or "en"
    scopes = client.scopes.select_related("api").order_by("-sensitive", "name")
    return [{"scope": scope, "description": scope.described_in(language)} for scope in scopes]
