"""`keydesk whoami`: the client, its scopes and its credentials, as Keydesk has them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from typing import Any

from keydesk_cli.output import Output
from keydesk_cli.settings import Settings, add_options

HELP = "show the client, its scopes and its credentials"
LABELS = {"name": "Name", "organisation": "Organisation", "client_id": "Client id", "status": "Status"}


def configure(parser: ArgumentParser) -> None:
    """Add the options."""
    add_options(parser)


def run(given: Namespace, output: Output) -> int:
    """Print what GET self says."""
    settings = Settings.of(given)
    keydesk = settings.keydesk()
    shown = keydesk.call(keydesk.self_token(settings.credential()), "GET", "self")
    output.result(shown, "\n".join(_lines(shown)))
    return 0


def _lines(shown: Mapping[str, Any]) -> Iterator[str]:
    for name, label in LABELS.items():
        yield f"{label + ':':<14}{shown.get(name, '')}"
    yield f"{'Scopes:':<14}{' '.join(map(str, _list(shown.get('scopes'))))}"
    for row in _list(shown.get("credentials")):
        if isinstance(row, dict):
            used = row.get("last_used_at") or "never"
            names = (row.get("type"), row.get("kid") or row.get("label"), row.get("state"))
            yield f"  {'  '.join(map(str, names))}  ends: {row.get('ends_at') or 'open'}  last used: {used}"


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
