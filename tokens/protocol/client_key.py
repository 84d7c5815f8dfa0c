"""Keys of clients, as the authorization server verifies with them. No Django here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from joserfc.jwk import Key, import_key

from clients.keymaterial.encoding import base64url_decode
from tokens.protocol.errors import InvalidClient, Rule


@dataclass(frozen=True)
class ClientKey:
    """Key of a client. `names`: every `kid` that refers to it, with its spelling."""

    credential: str
    kid: str
    names: Mapping[str, str]
    algorithms: frozenset[str]
    jwk: Mapping[str, Any]
    active_from: float = 0.0
    retires_at: float = math.inf
    not_after: float = math.inf  # the end of its certificate, or of a bare key by its age

    def problem_at(self, now: float) -> str:
        """Return why the key cannot be used: "staged", "retired" or "expired"; "" if it can (PROTOCOL A-15)."""
        if self.retires_at <= now:
            return "retired"
        if self.not_after <= now:
            return "expired"
        return "staged" if self.active_from > now else ""

    def refusal_at(self, now: float) -> InvalidClient:
        """Return why an assertion of this key is refused (PROTOCOL A-15 and C-39)."""
        problem = self.problem_at(now)
        if problem == "expired":
            ended_at, our_clock = int(self.not_after), int(now)
            return InvalidClient(Rule.CREDENTIAL_ENDED, key=self.kid, ended_at=ended_at, our_clock=our_clock)
        return InvalidClient(Rule.KEY_NOT_USABLE, key=self.kid, state=problem)

    @cached_property
    def imported(self) -> Key:
        """Return the key as joserfc has it. Cached: importing a JWK costs as much as verifying with it."""
        return import_key({name: self.jwk[name] for name in ("kty", "n", "e", "crv", "x", "y") if name in self.jwk})

    @cached_property
    def modulus(self) -> int:
        """Return the modulus of an RSA key; 0 for others."""
        return int.from_bytes(base64url_decode(self.jwk["n"])) if "n" in self.jwk else 0
