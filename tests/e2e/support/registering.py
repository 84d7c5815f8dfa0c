"""Clients of a running Keydesk, made by its management commands, for tests of the documentation's samples."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from joserfc.jwk import ECKey, OKPKey, RSAKey

from portal.ui.samples.values import Values
from tests.e2e.support.live import Live
from tokens.endpoints import example_api

# Allowed by RFC 6749 section 3.3, and a way out of a careless literal in one language or another.
ODD_SCOPE = "odd'$(id)`id`{}"
ODD_KID = 'o\'hara "1" $(id) \\ é'


@dataclass(frozen=True)
class Registered:
    """A client as a reader has it: what the samples show, and what only its owner knows."""

    values: Values
    secret: str
    private_key: Path | None = None

    @property
    def basic(self) -> tuple[str, str]:
        return self.values.client_id, self.secret


def create(live: Live, *arguments: str) -> dict[str, str]:
    done = live.manage(*arguments, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout))


def make_scopes(live: Live) -> list[str]:
    """The scope of the example API, which other tests may have made before, and one with an odd name."""
    wanted = [example_api.SCOPE, ODD_SCOPE]
    known = {name for (name,) in live.sql("SELECT name FROM clients_scope")}
    if not live.sql("SELECT 1 FROM clients_api WHERE identifier = 'example'"):
        create(live, "create_api", "example", "--name", "Example")
    for name in wanted:
        if name not in known:
            create(live, "create_scope", name, "--api", "example")
    return wanted


def register(live: Live, *options: str) -> dict[str, str]:
    named = ("--name", "Samples", "--organisation", "Readers", "--contact", "reader@samples.example")
    return create(live, "create_client", *named, *options)


def with_secret(live: Live, scopes: list[str]) -> Registered:
    made = register(live, "--scope", *scopes)
    return Registered(Values(client_id=made["client_id"], scope=" ".join(scopes)), made["client_secret"])


def with_key(
    live: Live, key: RSAKey | ECKey | OKPKey, algorithm: str, scopes: list[str], directory: Path
) -> Registered:
    """Register a client with this key, and keep the private half in the directory."""
    (directory / "public.json").write_text(json.dumps(key.as_dict(private=False)))
    (directory / "private.pem").write_bytes(key.as_pem(private=True))
    made = register(live, "--scope", *scopes, "--jwk", str(directory / "public.json"), "--kid", ODD_KID)
    values = Values(
        client_id=made["client_id"],
        kid=made["kid"],
        algorithm=algorithm,
        scope=" ".join(scopes),
        method="private_key_jwt",
    )
    return Registered(values, made["client_secret"], directory / "private.pem")
