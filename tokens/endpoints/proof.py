"""Proof that a client authenticated, from whichever method it used."""

from __future__ import annotations

from typing import NamedTuple

from tokens.protocol.errors import Rule
from tokens.protocol.traits import NO_TRAITS, Traits

Remark = tuple[Rule, dict[str, object]]


class Proof(NamedTuple):
    """Credential that authenticated the client, and the `jti` to consume with it (empty for others than assertions).

    `tokens_end_by`: when a token of it ends at the latest (PROTOCOL F-33); 0 if only its lifetime counts.
    """

    credential: str
    jti_digest: bytes = b""
    jti_expires_at: int = 0
    remarks: tuple[Remark, ...] = ()
    traits: Traits = NO_TRAITS
    tokens_end_by: int = 0
