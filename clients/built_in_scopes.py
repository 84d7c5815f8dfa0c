"""Scopes of Keydesk's own API.

Every client holds keydesk.self without a row in the catalogue, and gets it only by name. Those of the Security team's
programs are rows of the built-in API, granted like every scope; a secret gets no token with them (API M-3).
"""

BUILT_IN_API = "keydesk"
RESERVED_PREFIX = "keydesk."
SELF = "keydesk.self"  # a client about itself
BUILT_IN_SCOPES = frozenset({SELF})  # without a row

CLIENTS_READ = "keydesk.clients.read"
CLIENTS_WRITE = "keydesk.clients.write"
REQUESTS_READ = "keydesk.requests.read"
REQUESTS_WRITE = "keydesk.requests.write"
CATALOGUE_READ = "keydesk.catalogue.read"
CATALOGUE_WRITE = "keydesk.catalogue.write"
CHANGES_READ = "keydesk.changes.read"
TEAM_SCOPES = frozenset({
    CLIENTS_READ, CLIENTS_WRITE, REQUESTS_READ, REQUESTS_WRITE, CATALOGUE_READ, CATALOGUE_WRITE, CHANGES_READ,
})  # fmt: skip


def is_reserved(name: str) -> bool:
    """Return whether a name of the catalogue is Keydesk's own, or would stand beside those."""
    return name == BUILT_IN_API or name.startswith(RESERVED_PREFIX)
