"""Dry run of an assertion, for the contact who is building a client, and of a sample token for a trust.

Nothing is stored and the `jti` is not consumed: the assertion can still be sent for real.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from clients.acts.credentials import ends
from clients.models import Client, Issuer
from clients.models import Trust as TrustRow
from tokens.models import UsedAssertion
from tokens.policy import from_settings
from tokens.protocol import assertion, federated, jws
from tokens.protocol.assertion import AssertionPolicy
from tokens.protocol.errors import InvalidClient, Refused, Rule
from tokens.protocol.federated import Trust
from tokens.runtime.client_cache import issuers_keys, signing_key, trust, trusted_issuer

_IN_A_FORM = re.compile(r"client_assertion=([^&\s\"']+)")


@dataclass(frozen=True)
class DryRun:
    """Content of an assertion and everything that is wrong with it; without findings it would be accepted.

    `header` and `claims` are empty if the assertion cannot be parsed; then the single finding says why. `issuer`: the
    address of the issuer of a federated one, "" for the client's own. `scope`: of the token that a request would get.
    """

    header: Mapping[str, Any] = field(default_factory=dict)
    claims: Mapping[str, Any] = field(default_factory=dict)
    findings: Sequence[Refused] = ()
    issuer: str = ""
    scope: str = ""


def explain(text: str, *, client: Client, now: datetime) -> DryRun:
    """Check the assertion in `text`, which may be a whole form or command with `client_assertion=` in it."""
    try:
        read = jws.read(_encoded(text))
    except InvalidClient as finding:
        return DryRun(findings=[finding])
    at, policy = now.timestamp(), _policy(client, now)
    trusts = [_trust(row) for row in client.trusts.select_related("issuer").not_ended(now)]
    if federated.is_federated(read, names_client=True) and not federated.is_own(read, client.client_id, trusts):
        findings = federated.explain(read, client_id=client.client_id, trusts=trusts, policy=policy, now=at)
        return DryRun(read.header, read.claims, _with_state(client, findings), str(read.claims["iss"]))
    keys = [signing_key(row) for row in client.keys.values()]  # ended keys too, so that a finding can name them
    restored_at = client.restored_at.timestamp() if client.restored_at else 0.0
    findings = assertion.explain(
        read, client_id=client.client_id, keys=keys, policy=policy, now=at, restored_at=restored_at
    )
    if _was_used(client, read.claims.get("jti")):
        findings.append(InvalidClient(Rule.REPLAYED))
    return DryRun(read.header, read.claims, _with_state(client, findings))


def of_sample(
    text: str,
    *,
    client: Client,
    issuer: Issuer,
    subject: str | None,
    claims: Mapping[str, Any],
    now: datetime,
) -> DryRun:
    """Check a sample token as if the client had a trust in this issuer, subject and claims (PROTOCOL F-32 and F-36).

    `subject`: None for that of the token.
    """
    try:
        read = jws.read(_encoded(text))
    except InvalidClient as finding:
        return DryRun(findings=[finding], issuer=issuer.url)
    sent = read.claims.get("sub")
    own = sent if isinstance(sent, str) else ""
    trust = Trust("", _issuer(issuer), own if subject is None else subject, claims)
    policy, at = _policy(client, now), now.timestamp()
    findings = federated.explain(read, client_id=client.client_id, trusts=[trust], policy=policy, now=at)
    return DryRun(read.header, read.claims, findings, issuer.url)


def _policy(client: Client, now: datetime) -> AssertionPolicy:
    site = from_settings().assertion_policy(issuer_audience_only=client.issuer_audience_only)
    return site.bounded(ends.bounds_of(client, now))


def _with_state(client: Client, findings: list[InvalidClient]) -> list[InvalidClient]:
    if client.is_active:
        return findings
    return [InvalidClient(Rule.CLIENT_NOT_ACTIVE, state=client.status), *findings]


def _trust(row: TrustRow) -> Trust:
    return trust(vars(row), _issuer(row.issuer))


def _issuer(row: Issuer) -> federated.Issuer:
    facts = {**vars(row), "is_enabled": row.is_enabled, "is_pasted": row.pasted_keys is not None}
    return trusted_issuer(facts, issuers_keys(facts))


def _encoded(text: str) -> str:
    """Extract the assertion, without the line breaks that terminals and mail programs insert."""
    found = _IN_A_FORM.search(text)
    return unquote(found[1]) if found else "".join(text.split())


def _was_used(client: Client, jti: object) -> bool:
    if not isinstance(jti, str):
        return False
    return UsedAssertion.objects.filter(client=client, jti_digest=assertion.digest_of(jti)).exists()
