"""Scopes of Keydesk's own API. Every client holds them without a row in the catalogue; they are never a default."""

BUILT_IN_API = "keydesk"
RESERVED_PREFIX = "keydesk."
SELF = "keydesk.self"  # a client about itself
BUILT_IN_SCOPES = frozenset({SELF})


def is_reserved(name: str) -> bool:
    """Return whether a name of the catalogue would stand beside Keydesk's own."""
    return name == BUILT_IN_API or name.startswith(RESERVED_PREFIX)
