"""`manage.py policy` shows bounds, and proposes one that a person confirms (PROTOCOL C-40)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from clients.acts import proposals
from clients.models import PolicyBound, Proposal
from tests.portal.management.running import refused, run
from tests.support import factories

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def propose(*more: str, by: str = "noor@keydesk.example") -> dict[str, object]:
    return run("policy", "--propose", "audience", "--reason", "Case 4711", "--by", by, *more)


def test_a_bound_is_proposed_with_its_victims_and_shown_once_confirmed() -> None:
    factories.noor()
    old, now = factories.client(now=timezone.now() - DAY)[0], timezone.now()
    factories.used(old, audience="token_url")
    day = (now + 60 * DAY).date().isoformat()
    answer = propose("--existing-from", day)
    (stopped,) = answer["stops"]
    assert (stopped["client_id"], answer["mails_contacts_of"]) == (old.client_id, 1)
    assert run("policy") == {"bounds": []}
    proposal = Proposal.objects.get(uid=answer["proposal"])
    proposals.confirm(proposal=proposal, by=factories.by(factories.bram()), now=now, reason="Agreed")
    (bound,) = run("policy")["bounds"]
    assert (bound["bound"], bound["value"], bound["api"], bound["client"]) == ("audience", True, None, None)
    assert bound["existing_clients_from"] == PolicyBound.objects.get().existing_from.isoformat()


def test_only_the_security_team_proposes_and_with_a_reason() -> None:
    factories.noor()
    assert "Security team" in refused("policy", "--propose", "audience", "--reason", "Case 4711", "--by", "x@y.example")
    assert "reason" in refused("policy", "--propose", "audience", "--by", "noor@keydesk.example")
    assert "From 2048" in refused(
        "policy", "--propose", "rsa_bits", "--value", "1", "--reason", "Case 4711", "--by", "noor@keydesk.example"
    )
    assert not Proposal.objects.exists()
