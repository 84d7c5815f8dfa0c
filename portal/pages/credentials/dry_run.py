"""Dry run: the token endpoint's verdict on a pasted token request or assertion, before a real one is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from clients.models import Client
from portal.explanations import explain
from portal.explanations.facts import moment_of, seconds_of
from portal.guards.access import client_of, contact
from portal.pages.credentials.dry_run_forms import DryRunForm
from portal.web import kept_forms
from portal.web.http_request import Request, posted
from tokens.acts import dry_run as assertions
from tokens.acts.dry_run import DryRun
from tokens.policy import from_settings
from tokens.protocol.errors import InvalidClient, Rule
from tokens.protocol.hiding import without_credentials
from tokens.protocol.pasted import HIDDEN
from tokens.serving.rehearsal import rehearse

# The parts of an assertion, in the order of the checks, each with the rules about it.
HEADER = {
    "typ": {Rule.TYP},
    "alg": {Rule.ALGORITHM, Rule.ALGORITHM_NOT_OF_KEY},
    "kid": {Rule.KID, Rule.KID_AMBIGUOUS, Rule.KEY_NOT_USABLE, Rule.CREDENTIAL_ENDED, Rule.NO_KEYS, Rule.POLICY},
    "crit": {Rule.CRITICAL_HEADER},
}
CLAIMS = {
    "iss": {Rule.ISSUER, Rule.FEDERATED_ISSUER, Rule.FEDERATED_KEYS_UNAVAILABLE},
    "sub": {Rule.SUBJECT, Rule.FEDERATED_SUBJECT},
    "aud": {Rule.AUDIENCE, Rule.FEDERATED_AUDIENCE},
    "exp": {Rule.EXPIRY, Rule.EXPIRED, Rule.EXPIRES_TOO_LATE},
    "iat": {Rule.ISSUED_AT},
    "nbf": {Rule.NOT_BEFORE},
    "jti": {Rule.JTI, Rule.REPLAYED},
}
TIMES = ("exp", "iat", "nbf")
TRIED = "tried"
MAX_SHOWN = 400  # characters of one part
MAX_TIME = 10**15  # seconds; larger numbers are no times


@contact
@sensitive_post_parameters("request")
@require_http_methods(["GET", "HEAD", "POST"])
def dry_run(request: Request, uid: UUID) -> HttpResponse:
    """Check a pasted request without effect. What is kept and shown of it has no credentials."""
    client = client_of(request, uid)
    form = DryRunForm(posted(request), client=client)
    if form.is_valid():
        name = kept_forms.keep(request, TRIED, {"client": str(uid), **_kept(form, client, request.now)}, seconds=600)
        return redirect(f"{request.path}?{TRIED}={name}#verdict")
    context = {"client": client, "token_url": from_settings().url("token")}
    tried = kept_forms.get(request, TRIED, request.GET.get(TRIED, ""))
    if tried and tried["client"] == str(uid) and not form.errors:
        context |= _explained(tried)
        form = DryRunForm(client=client, initial={"request": tried["text"]})
    return render(request, "contact/dry_run.html", {**context, "form": form}, status=422 if form.errors else 200)


def _kept(form: DryRunForm, client: Client, now: datetime) -> dict[str, Any]:
    """Return the result for the page after the redirect: text, findings, and the shown parts of the assertion."""
    if form.pasted:
        explained = rehearse(form.pasted.request, client=client, now=now)
    else:
        explained = assertions.explain(form.cleaned_data["request"], client=client, now=now)
    header = {name: _short(explained.header[name]) for name in HEADER.keys() & explained.header}
    claims = {name: _short(explained.claims[name]) for name in CLAIMS.keys() & explained.claims}
    return {
        "header": header,
        "claims": claims,
        "findings": [(each.rule.value, each.facts) for each in explained.findings],
        "issuer": explained.issuer,
        "scope": explained.scope,
        "text": form.shown(),
        "is_assertion": form.pasted is None,
        "is_secret_hidden": HIDDEN in form.credentials.secret,
        "elsewhere": _elsewhere(form.pasted.url) if form.pasted else "",
    }


def _elsewhere(url: str) -> str:
    """Return the address of a request that does not go to the token endpoint, without what may be secret in it."""
    sent, ours = urlsplit(url if "//" in url else f"//{url}"), urlsplit(from_settings().url("token"))
    host = sent.netloc.rpartition("@")[2]
    is_ours = host in ("", ours.netloc) and sent.path.rstrip("/") == ours.path
    return "" if not url or is_ours else without_credentials(f"{host}{sent.path}")[:MAX_SHOWN]


def _short(value: object) -> object:
    """Return a time as it is, for display as a time; anything else as a text short enough for the session."""
    return value if isinstance(value, int | float) and abs(value) < MAX_TIME else _text(value)[:MAX_SHOWN]


def _explained(tried: Mapping[str, Any]) -> dict[str, Any]:
    findings = [InvalidClient(Rule(rule), **facts) for rule, facts in tried["findings"]]
    explained = DryRun(tried["header"], tried["claims"], findings, tried["issuer"])
    return {
        **{name: tried[name] for name in ("scope", "is_assertion", "is_secret_hidden", "elsewhere")},
        "explained": explained,
        "accepted": not findings,
        "parts": _parts(explained),
        "causes": [explain(each.rule, each.facts, now_words=_("our clock now")) for each in findings],
    }


def _parts(explained: DryRun) -> list[dict[str, Any]]:
    """Return each part of the assertion with its value; `wrong` where a rule refuses it."""
    if not explained.header:
        return []
    broken = {finding.rule for finding in explained.findings}
    if explained.issuer and Rule.CREDENTIAL_ENDED in broken:  # the trust in this subject, and no key
        broken = broken - {Rule.CREDENTIAL_ENDED} | {Rule.FEDERATED_SUBJECT}
    parts = [_part(name, explained.header, rules & broken) for name, rules in HEADER.items()]
    parts += [_part(name, explained.claims, rules & broken) for name, rules in CLAIMS.items()]
    return [part for part in parts if part["value"] or part["wrong"]]


def _part(name: str, members: Mapping[str, Any], broken: set[Rule]) -> dict[str, Any]:
    value = members.get(name, "")
    note = moment_of(at) if name in TIMES and (at := seconds_of(value)) is not None else ""
    return {"name": name, "value": _text(value), "note": note, "wrong": bool(broken)}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
