"""Dry run of an assertion, for the contact who is building a client.

Nothing is stored and the `jti` is not consumed: the assertion can still be sent for real.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from clients.acts.credentials import ends
from clients.models import Client
from tokens.models import UsedAssertion
from tokens.policy import from_settings
from tokens.protocol import assertion, jws
from tokens.protocol.errors import InvalidClient, Rule
from tokens.runtime.client_cache import signing_key

_IN_A_FORM = re.compile(r"client_assertion=([^&\s\"']+)")


@dataclass(frozen=True)
class DryRun:
    """Content of an assertion and everything that is wrong with it; without findings it would be accepted.

    `header` and `claims` are empty if the assertion cannot be parsed; then the single finding says why.
    """

    header: Mapping[str, Any] = field(default_factory=dict)
    claims: Mapping[str, Any] = field(default_factory=dict)
    findings: list[InvalidClient] = field(default_factory=list)


def explain(text: str, *, client: Client, now: datetime) -> DryRun:
    """Check the assertion in `text`, which may be a whole form or command with `client_assertion=` in it."""
    try:
        read = jws.read(_encoded(text))
    except InvalidClient as finding:
        return DryRun(findings=[finding])
    site = from_settings().assertion_policy(issuer_audience_only=client.issuer_audience_only)
    policy = site.bounded(ends.bounds_of(client, now))
    keys = [signing_key(row) for row in client.keys.values()]  # ended keys too, so that a finding can name them
    at = now.timestamp()
    findings = assertion.explain(read, client_id=client.client_id, keys=keys, policy=policy, now=at)
    if not client.is_active:
        findings.insert(0, InvalidClient(Rule.CLIENT_NOT_ACTIVE, state=client.status))
    if _was_used(client, read.claims.get("jti")):
        findings.append(InvalidClient(Rule.REPLAYED))
    return DryRun(read.header, read.claims, findings)


def _encoded(text: str) -> str:
    """Extract the assertion, without the line breaks that terminals and mail programs insert."""
    found = _IN_A_FORM.search(text)
    return unquote(found[1]) if found else "".join(text.split())


def _was_used(client: Client, jti: object) -> bool:
    if not isinstance(jti, str):
        return False
    return UsedAssertion.objects.filter(client=client, jti_digest=assertion.digest_of(jti)).exists()
