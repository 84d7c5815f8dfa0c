"""Every component in every state, with made-up data (templates/gallery.html). Only routed when DEBUG is on."""

import json
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from clients.models import Client
from portal.explanations import explain
from portal.explanations.refused_requests import Cause, Remark, Verdict
from portal.forms.links import LinkForm
from portal.pages.review.signatures import Signature
from portal.ui import usage_chart
from tokens.acts.uses.evidence import NetworkUse
from tokens.models import JournalEntry

NOW = datetime(2026, 11, 24, 14, 41, tzinfo=UTC)
KID = "mX0Zl3b8kq5R7nVYcT1uJwPaEoH9sGdF2iQxL6vB4eM"


class ExampleForm(forms.Form):
    name = forms.CharField(label="Your name", widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = forms.EmailField(
        label="Your work e-mail address",
        help_text="We send the link to manage the client here.",
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
    )
    second = forms.EmailField(
        label="Second contact", help_text="Somebody who can act when you are away.", required=False
    )
    why = forms.CharField(
        label="What does it do, and for whom?",
        help_text="Two or three sentences. Reviewers read this first.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    kind = forms.ChoiceField(
        label="Kind of organisation", choices=[("", "Choose one"), ("city", "City"), ("firm", "Company")]
    )
    environment = forms.ChoiceField(
        label="Environment", choices=[("test", "Test"), ("production", "Production")], widget=forms.RadioSelect
    )
    scopes = forms.MultipleChoiceField(
        label="Which data do you need?",
        help_text="Ask for as little as you can. You can ask for more later.",
        choices=[
            (scope, format_html('{} <span class="kd-mono kd-mute">{}</span>', label, scope))
            for label, scope in [("Parcels", "parcel.read"), ("Addresses", "address.read"), ("Persons", "person.read")]
        ],
        widget=forms.CheckboxSelectMultiple,
    )
    attachment = forms.FileField(label="Authorisation decision", help_text="A PDF of at most 1 MB.", required=False)
    agree = forms.BooleanField(label="I may speak for this organisation")
    code = forms.CharField(
        label="Code",
        help_text="Works until 15:52, in this browser only. 5 tries left.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "maxlength": 7}),
    )

    hints: ClassVar = {
        "environment": {"test": "Made-up data. Usually approved the same day."},
        "scopes": {"address.read": "Address of a person or company. Personal data."},
    }
    disabled_choices: ClassVar = {"scopes": {"person.read"}}


class KeyForm(forms.Form):
    way = forms.ChoiceField(
        label="How do you want to give us the public key?",
        choices=[("paste", "Paste"), ("file", "File"), ("make", "Make")],
        widget=forms.RadioSelect,
    )
    pasted = forms.CharField(
        label="Certificate or JSON Web Key",
        help_text=format_html(
            'Starts with <span class="kd-mono">{}</span> or <span class="kd-mono">{{</span>. Only the public part. '
            "Never paste a private key.",
            "-----BEGIN CERTIFICATE-----",
        ),
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "class": "kd-mono", "spellcheck": "false"}),
    )
    file = forms.FileField(label="Certificate or key file", help_text="At most 64 KB.", required=False)
    made = forms.CharField(
        label="Public key that we will store",
        help_text="The private key is in your downloads folder. Move it to your secret vault now.",
        required=False,
        widget=forms.Textarea(attrs={"rows": 8, "class": "kd-mono", "readonly": True}),
    )


class DecisionForm(forms.Form):
    scopes = forms.MultipleChoiceField(choices=[("company.read", ""), ("person.nrn.read", "")])
    decision = forms.ChoiceField(
        label="Your decision",
        choices=[("approve", "Approve the ticked scopes"), ("changes", "Ask for changes"), ("reject", "Reject")],
        widget=forms.RadioSelect,
    )
    message = forms.CharField(
        label="Message to the contact",
        help_text="Goes in the e-mail and the change log. Needed unless you approve everything.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class LogForm(forms.Form):
    q = forms.CharField(
        label="Client, person or text", required=False, widget=forms.TextInput(attrs={"type": "search"})
    )
    since = forms.DateField(label="From", required=False)
    until = forms.DateField(label="To", required=False)
    action = forms.ChoiceField(label="What happened", required=False, choices=[("", "Anything"), ("key", "Keys")])


@login_not_required
@require_safe
def gallery(request: HttpRequest) -> HttpResponse:
    messages.success(request, "New secret made. The old one works until 25 November 2026, 15:41.")
    return render(
        request,
        "gallery.html",
        {
            "now": NOW,
            "kid": KID,
            "long_ago": NOW - timedelta(days=353),
            "soon": NOW + timedelta(days=12),
            "session": {"idle": 3600, "last": 28_800},
            "passed": NOW - timedelta(days=2),
            "next_year": NOW + timedelta(days=729),
            "example": ExampleForm(auto_id="example_%s"),
            "step_up": ExampleForm(auto_id="step_up_%s"),
            "providers": [{"name": "Leiestroom", "url": "#ways_in"}, {"name": "eHerkenning", "url": "#ways_in"}],
            "wrong": ExampleForm({"email": "info@", "environment": "moon"}, auto_id="wrong_%s"),
            "key_form": KeyForm(initial={"way": "paste"}, auto_id="key_%s"),
            "decision": DecisionForm(auto_id="decision_%s"),
            "log": LogForm(auto_id="log_%s"),
            **_lists(),
            "signature": Signature("Bram Wouters", "bram@keydesk.example", "Security team", "ok"),
            "key": _key(),
            "jwk": json.dumps({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KID, "e": "AQAB"}, indent=2),
        },
    )


def _lists() -> dict[str, object]:
    return {
        "chart": _chart(),
        "tokens": _tokens(),
        "network_uses": [
            {"use": NetworkUse(network, "", 9, 9, refused, NOW - timedelta(days=200), NOW), "name": f"key {KID}"}
            for network, refused in (("203.0.113.77", 0), ("2001:db8:1:2::/64", 3), ("other", 0))
        ],
        "page": Paginator(range(90), 30).page(2),
        "requests": [
            _request("Rekenhuis bv", "Loonverwerking-koppeling", "high", 9, "Second review", "warn"),
            _request("Havenbedrijf Scheldemond", "Kadeplanner", "low", 4, "First review", "mute"),
            _request("Zorgnet De Brug vzw", "Cliëntadres-sync", "medium", 3, "Your first review", "info"),
        ],
        "scopes": [
            {"name": "company.read", "description": "Companies, public fields", "risk": "", "checked": True,
             "reason": "Needed to match the employer number."},
            {"name": "person.nrn.read", "description": "National register number", "risk": "high", "checked": False,
             "reason": "“For uniqueness.”", "note": "Needs an authorisation decision, none attached."},
        ],
        "entries": _entries(),
        "causes": _causes(),
        "link_form": LinkForm(prefix="link"),
        "remarks": [Remark(explain("long_lifetime", {"seconds": 3600, "max_seconds": 600}))],
        "samples": _samples(),
        "checks": [
            {"name": "Chain of hashes", "state": "ok", "result": "18,234 match", "proves": "No entry was edited"},
            {"name": "Signed checkpoints", "state": "warn", "result": "312 of 313 days", "proves": "Nobody rebuilt it"},
        ],
    }  # fmt: skip


def _chart() -> dict[str, object]:
    """Return a month of use, with three days on which requests were refused."""
    week = [1399, 1402, 1388, 1411, 1395, 620, 598]
    counts = {
        (NOW - timedelta(days=29 - n)).date().isoformat(): [week[n % 7], {7: 4, 22: 34, 29: 23}.get(n, 0)]
        for n in range(30)
    }
    return usage_chart.of_totals(counts, NOW)


def _tokens() -> list[dict[str, object]]:
    """Return two tokens of one key, the younger first."""
    return [
        {
            "id": number,
            "label": label,
            "issued_at": NOW - timedelta(minutes=3 + 40 * number),
            "expires_at": NOW + timedelta(minutes=57 - 20 * number),
            "scope": "meter.readings.write address.read",
            "credential": "Certificate mX0Zl3b8…",
            "address": "193.190.44.18",
        }
        for number, label in enumerate(["…c81f04", "…7be219"])
    ]


def _samples() -> list[dict[str, str]]:
    return [
        {"label": "curl", "code": "# the assertion is a JWT that you sign\n"
         "curl \"https://auth.example/oauth/v2/token\" \\\n  -d grant_type=client_credentials \\\n"
         "  -d client_assertion=\"$ASSERTION\""},
        {"label": "Python", "code": "import requests\n\nrequests.post(\"https://auth.example/oauth/v2/token\")"},
        {"label": "Go", "code": "// a token for an hour\nresponse, err := http.PostForm(url, form)"},
    ]  # fmt: skip


def _request(organisation: str, client: str, risk: str, days: int, step: str, state: str) -> dict[str, object]:
    return {
        "url": "#review",
        "organisation": organisation,
        "client_name": client,
        "number": f"R-2026-04{days:02}",
        "scopes": "person.basic.read, address.read",
        "submitted_at": NOW - timedelta(days=days),
        "overdue": days > 5,
        "risk": risk,
        "notes": "Personal data; new organisation",
        "step": step,
        "step_state": state,
        "step_note": "Bram gave the first; needs someone else",
    }


def _entries() -> list[dict[str, object]]:
    regenerated = [
        {"field": "Secret in use", "before": "ends in 4f2a", "after": "ends in c07e"},
        {"field": "Old secret stops", "before": "", "after": "25 November 2026, 15:41:07"},
    ]
    return [
        {"seq": 18234, "at": NOW, "sentence": "Secret regenerated with 24 hours overlap",
         "who": "Lotte Verhaeghe, contact", "note": "Klantportaal-adrescontrole", "changes": regenerated,
         "hash": "9f3c77e10b52a81d9f3c77e10b52a81d", "url": "#e"},
        {"seq": 18219, "at": NOW - timedelta(days=1), "sentence": "Private key refused at upload",
         "who": "Joris \u202eDe Backer, contact", "hash": "e7d0b93fe7d0b93fe7d0b93f", "url": "#e2"},
    ]  # fmt: skip


def _causes() -> list[Cause]:
    """Return causes as the journal shows them, from facts as it stores them."""
    client = Client(pk=1, name="Meterstanden-koppeling")
    at = int(NOW.timestamp())
    addresses = ["https://auth.example", "https://auth.example/oauth/v2/token"]
    kinds: list[tuple[str, int, Verdict, dict[str, object]]] = [
        ("audience", 19, Verdict("failing", others=566), {"sent": "https://auth.example/", "expected": addresses}),
        ("issued_at", 3, Verdict("quiet"), {"sent": at + 192, "our_clock": at, "max_seconds": 60}),
        ("secret_wrong", 2, Verdict("fixed", 14, NOW), {"slip": "line_end", "length": 54, "expected_length": 53}),
    ]
    return [
        Cause(
            client, rule, "invalid_client", count=count, kept=count, first_at=NOW - timedelta(hours=9), last_at=NOW,
            requests=_refused(count), explanation=explain(rule, facts), verdict=verdict,
        )
        for rule, count, verdict, facts in kinds
    ]  # fmt: skip


def _refused(count: int) -> list[JournalEntry]:
    return [
        JournalEntry(at=NOW - timedelta(minutes=5 * n), address="193.190.44.18", request_id=f"7d1c-88f0-41b{n}")
        for n in range(min(count, 3))
    ]


def _key() -> dict[str, object]:
    return {
        "kid": "mkwX4FvSiD9hDseULapW8TB76U0",
        "thumbprint": KID,
        "description": "RSA 3072",
        "algorithms": ["RS256", "PS256"],
        "notes": ["The file held 2 certificates. We took the first, yours; the second is of the issuer."],
        "certificate": {
            "subject": "CN=api.leiestroom.example, O=Waterbedrijf Leiestroom, C=BE",
            "issuer": "Citadel Sub-CA G4",
            "serial": "4d1a907c22ef03b8",
            "not_before": NOW - timedelta(days=1),
            "not_after": NOW + timedelta(days=729),
            "x5t": "mkwX4FvSiD9hDseULapW8TB76U0",
            "x5t_s256": "f3Jm0KqB8vYw2RzXn5TcLd7aHsUe1oPiG9xMbV4kQ6E",
            "sha1_hex": "9a4c17e05bd2883f610ec7942daa56f1307be94d",
            "self_signed": False,
        },
    }
