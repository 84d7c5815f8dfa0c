"""A dry run: what the token address would say to a signed request, rule by rule, before the first real one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.access import client_of, contact
from portal.explanations import explain
from portal.explanations.facts import moment_of, seconds_of
from portal.forms.dry_run import DryRunForm
from portal.request import Request, posted
from tokens import dry_run as rehearsal
from tokens.dry_run import Explained
from tokens.errors import Rule

# What an assertion is made of, in the order in which it is checked; with the rules that are about each part.
HEADER = {
    "typ": {Rule.TYP},
    "alg": {Rule.ALGORITHM, Rule.ALGORITHM_NOT_OF_KEY},
    "kid": {Rule.KID, Rule.KID_AMBIGUOUS, Rule.KEY_NOT_USABLE, Rule.NO_KEYS},
    "crit": {Rule.CRITICAL_HEADER},
}
CLAIMS = {
    "iss": {Rule.ISSUER},
    "sub": {Rule.SUBJECT},
    "aud": {Rule.AUDIENCE},
    "exp": {Rule.EXPIRY, Rule.EXPIRED, Rule.EXPIRES_TOO_LATE},
    "iat": {Rule.ISSUED_AT},
    "nbf": {Rule.NOT_BEFORE},
    "jti": {Rule.JTI, Rule.REPLAYED},
}
TIMES = ("exp", "iat", "nbf")


@contact
@require_http_methods(["GET", "HEAD", "POST"])
def dry_run(request: Request, uid: UUID) -> HttpResponse:
    """Changes nothing. What was pasted is not in the answer, but for what its header and claims say."""
    client = client_of(request, uid)
    form = DryRunForm(posted(request))
    if not form.is_valid():
        context = {"client": client, "form": form}
        return render(request, "contact/dry_run.html", context, status=422 if form.errors else 200)
    explained = rehearsal.explain(form.cleaned_data["assertion"], client=client, now=request.now)
    context = {
        "client": client,
        "form": DryRunForm(),
        "explained": explained,
        "accepted": not explained.findings,
        "parts": _parts(explained),
        "causes": [
            explain(finding.rule, finding.facts, now_words=_("our clock now")) for finding in explained.findings
        ],
    }
    return render(request, "contact/dry_run.html", context)


def _parts(explained: Explained) -> list[dict[str, Any]]:
    """Each part of the assertion with what it says; `wrong` where a rule refuses it."""
    if not explained.header:
        return []
    broken = {finding.rule for finding in explained.findings}
    parts = [_part(name, explained.header, rules & broken) for name, rules in HEADER.items()]
    parts += [_part(name, explained.claims, rules & broken) for name, rules in CLAIMS.items()]
    return [part for part in parts if part["value"] or part["wrong"]]


def _part(name: str, members: Mapping[str, Any], broken: set[Rule]) -> dict[str, Any]:
    value = members.get(name, "")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    note = moment_of(at) if name in TIMES and (at := seconds_of(value)) is not None else ""
    return {"name": name, "value": text, "note": note, "wrong": bool(broken)}
