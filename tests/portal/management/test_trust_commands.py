"""The commands add_trust, extend_trust and remove_trust."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from clients.models import Trust
from tests.support import factories

pytestmark = pytest.mark.django_db
SUBJECT = "repo:leiestroom/invoices:ref:refs/heads/main"
CLAIMS = ("--claim", "repository_id=742", "--claim", "fork:=false", "--claim", 'groups:=["a=b"]', "--claim", "empty=")


def run(capsys: Any, command: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    try:
        call_command(command, "--json", *arguments)
        status = 0
    except SystemExit as ended:
        status = int(str(ended.code))
    return status, json.loads(capsys.readouterr().out)


def test_a_trust_is_added_and_removed_by_name(capsys, made):
    issuer = factories.issuer()
    named = ("--client", made.client_id, "--issuer", issuer.name, "--subject", SUBJECT)
    status, told = run(capsys, "add_trust", *named, *CLAIMS)
    claims = {"repository_id": "742", "fork": False, "groups": ["a=b"], "empty": ""}
    assert (status, told["claims"], told["warnings"]) == (0, claims, ["repository_without_ids"])
    assert Trust.objects.get().claims == claims
    assert run(capsys, "add_trust", *named, *CLAIMS)[1]["code"] == "trust_exists"
    assert run(capsys, "remove_trust", *named)[1]["code"] == "no_such_trust"
    status, told = run(capsys, "remove_trust", *named, *CLAIMS)
    assert (status, told["ended"]) == (0, True)
    assert Trust.objects.get().ends_at is not None


def test_a_trust_is_extended_by_name(capsys, made):
    issuer = factories.issuer()
    named = ("--client", made.client_id, "--issuer", issuer.name, "--subject", SUBJECT)
    run(capsys, "add_trust", *named)
    assert run(capsys, "extend_trust", *named)[1]["code"] == "trust_not_near_its_end"
    Trust.objects.update(expires_at=timezone.now())
    status, told = run(capsys, "extend_trust", *named)
    assert (status, told["expires_at"]) == (0, Trust.objects.get().expires_at.isoformat())
    assert run(capsys, "extend_trust", *named, "--claim", "a=b")[1]["code"] == "no_such_trust"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (("--client", "nobody"), "no_such_client"),
        (("--issuer", "nobody"), "no_such_issuer"),
        (("--subject", "repo:*"), "trust_wildcard"),
        (("--claim", "a"), "claim_unreadable"),
        (("--claim", "a:=x"), "claim_unreadable"),
        (("--claim", "=x"), "claim_unreadable"),
        (("--claim", "exp:=1"), "trust_claim_changes"),
    ],
)
def test_what_is_wrong_is_refused_with_its_code(capsys, made, changed, code):
    factories.issuer()
    named = ("--client", made.client_id, "--issuer", "GitHub Actions", "--subject", SUBJECT)
    status, told = run(capsys, "add_trust", *named, *changed)
    assert (status, told["code"]) == (1, code)
    assert not Trust.objects.exists()
