"""Credentials of the client at the token endpoint: a key, a secret, or a token of a trusted issuer."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote_plus

from keydesk_cli.errors import Misused
from keydesk_cli.keys import jose
from keydesk_cli.keys.keyfile import KeyFile

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME_S = 120


@dataclass(frozen=True)
class Presented:
    """Parts of a token request that authenticate."""

    form: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Credential(Protocol):
    def present(self, client_id: str, issuer: str, algorithms: Sequence[str]) -> Presented:
        """Return what authenticates the client there, with one of these algorithms."""


@dataclass(frozen=True)
class ByKey:
    """A private key, with the algorithm that was chosen for it."""

    key: KeyFile
    chosen: str | None = None

    def present(self, client_id: str, issuer: str, algorithms: Sequence[str]) -> Presented:
        assertion = self.assertion(client_id, issuer, algorithms)
        return Presented({"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion})

    def assertion(self, client_id: str, issuer: str, algorithms: Sequence[str]) -> str:
        """Return a client assertion (RFC 7523), to be used once."""
        claims = {"iss": client_id, "exp": int(time.time()) + LIFETIME_S}
        return self._signed("client-authentication+jwt", claims, client_id, issuer, algorithms)

    def proof(self, client_id: str, issuer: str, algorithms: Sequence[str]) -> str:
        """Return the proof that goes with a new key."""
        return self._signed("keydesk-proof+jwt", {}, client_id, issuer, algorithms)

    def _signed(
        self, kind: str, claims: Mapping[str, object], client_id: str, issuer: str, algorithms: Sequence[str]
    ) -> str:
        header = {"alg": self.algorithm(algorithms), "typ": kind, "kid": self.key.kid}
        common = {"sub": client_id, "aud": issuer, "iat": int(time.time()), "jti": secrets.token_urlsafe(24)}
        return jose.sign(self.key.private, header, {**claims, **common})

    def algorithm(self, accepted: Sequence[str]) -> str:
        """Return the chosen algorithm, or the first of the key that is accepted. Raises Misused."""
        possible = [name for name in jose.algorithms_of(self.key.private) if not accepted or name in accepted]
        if self.chosen is None and possible:
            return possible[0]
        if self.chosen in possible:
            return str(self.chosen)
        said = self.chosen or "Each algorithm of this key"
        message = f"{said} does not fit. With this key Keydesk accepts: {', '.join(possible) or 'none'}."
        raise Misused("algorithm", message, accepted=possible)


@dataclass(frozen=True)
class BySecret:
    """A client secret, sent by client_secret_basic (RFC 6749 section 2.3.1)."""

    secret: str = field(repr=False)

    def present(self, client_id: str, issuer: str, algorithms: Sequence[str]) -> Presented:
        pair = f"{quote_plus(client_id)}:{quote_plus(self.secret)}".encode()
        return Presented(headers={"Authorization": "Basic " + base64.b64encode(pair).decode()})


@dataclass(frozen=True)
class ByFederatedToken:
    """A token of an issuer that the client trusts."""

    token: str = field(repr=False)

    def present(self, client_id: str, issuer: str, algorithms: Sequence[str]) -> Presented:
        form = {"client_id": client_id, "client_assertion_type": ASSERTION_TYPE, "client_assertion": self.token}
        return Presented(form)
