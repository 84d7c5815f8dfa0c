"""Issuers: two people for what lets tokens in or keeps them out, and one at the command line (PROTOCOL F-32, F-34)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from audit.models import Entry
from clients.acts import proposals
from clients.acts.federation import issuers
from clients.acts.four_eyes import NeedsColleague
from clients.models import Issuer, Mail, Proposal, Trust
from clients.refusal_codes import Code, FetchCode
from foundation.refusals import Refusal
from tests.support.factories import NOW, SYSTEM, bram, by, client, lotte, noor
from tests.support.keys import jwk_of, new_ec
from tokens import tasks
from tokens.models import Token

pytestmark = pytest.mark.django_db

URL = "https://token.actions.example"
Kind = Proposal.Kind


def create(**given) -> Issuer:
    facts = {"name": "GitHub Actions", "url": URL, "jwks": None, "audience": "", "max_lifetime": 3600, "by": SYSTEM}
    return issuers.create(**{**facts, "reason": "Pipelines", "now": NOW, **given})


def trust(issuer: Issuer, **given) -> Trust:
    mine = given.pop("client", None) or client(contact=lotte())[0]
    Mail.objects.all().delete()
    return Trust.objects.create(client=mine, issuer=issuer, subject="repo:42", added_at=NOW, added_by="Lotte", **given)


def propose(kind: Proposal.Kind, issuer: Issuer, **content: object) -> Proposal:
    return proposals.propose(kind=kind, about=issuer, content=content, reason="Asked for", by=by(noor()), now=NOW)


def entries(issuer: Issuer) -> list[str]:
    return list(Entry.objects.about(issuer.audit_id).order_by("seq").values_list("action", flat=True))


def refused(**given) -> str:
    with pytest.raises(Refusal) as caught:
        create(**given)
    return caught.value.code


def test_an_issuer_of_the_team_is_accepted_once_a_colleague_confirms():
    issuer = create(by=by(noor()))
    assert not issuer.is_enabled
    with pytest.raises(NeedsColleague):
        issuers.enable(issuer=issuer, by=by(noor()), reason="Quick", now=NOW)
    proposal = propose(Kind.ISSUER_ENABLED, issuer)
    with pytest.raises(Refusal):
        proposals.confirm(proposal=proposal, by=by(noor()), now=NOW)
    proposals.confirm(proposal=proposal, by=by(bram()), reason="Known", now=NOW + timedelta(minutes=5))
    issuer.refresh_from_db()
    assert issuer.is_enabled
    assert issuer.enabled_at == NOW + timedelta(minutes=5)
    assert entries(issuer) == ["issuer.created", "proposal.made", "issuer.enabled"]
    enabled = Entry.objects.about(issuer.audit_id).order_by("seq").last()
    assert enabled.changes["proposed_by"] == [None, noor().audit_label]


def test_a_command_enables_it_at_once():
    assert create().is_enabled


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"url": "http://token.example"}, FetchCode.ADDRESS_NOT_HTTPS),
        ({"url": "https://token.example?tenant=1"}, FetchCode.ADDRESS_MALFORMED),
        ({"url": "https://127.0.0.1"}, FetchCode.ADDRESS_NOT_PUBLIC),
        ({"url": "https://token.example:8443"}, FetchCode.ADDRESS_PORT),
        ({"audience": "two words"}, Code.AUDIENCE_MALFORMED),
        ({"jwks": {"keys": []}}, FetchCode.KEY_SET_UNUSABLE),
        ({"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}}, FetchCode.KEY_SET_PRIVATE),
    ],
)
def test_what_cannot_be_an_issuer_is_refused(given, code):
    assert refused(**given) == code
    assert not Issuer.objects.exists()


def test_this_site_is_no_issuer_of_its_own(settings):
    settings.PUBLIC_URL = "https://keydesk.example"
    assert refused(url="https://keydesk.example/") == Code.ISSUER_IS_THIS_SITE


def test_a_name_and_an_address_belong_to_one_issuer():
    create()
    assert refused(name="Other") == Code.ISSUER_EXISTS
    assert refused(url="https://other.example") == Code.ISSUER_EXISTS


def test_pasted_keys_are_used_at_once_also_of_an_issuer_nobody_can_reach():
    """A cluster without public discovery: its address is a name and nothing more."""
    jwks = {"keys": [jwk_of(new_ec(), kid="cluster"), jwk_of(new_ec(), kid="enc", use="enc")]}
    issuer = create(url="https://kubernetes.default.svc.cluster.local:6443", jwks=jwks)
    assert [key["kid"] for key in issuer.keys] == ["cluster"]
    assert issuer.skipped == [{"kid": "enc", "code": "wrong_use", "facts": {"use": "enc"}}]
    assert issuer.keys_fetched_at == NOW


def test_a_change_takes_two_and_is_out_of_date_when_somebody_else_changed_it():
    issuer = create()
    changed = {"audience": "api://tenant", "max_lifetime": 86_400, "jwks": None}
    with pytest.raises(NeedsColleague):
        issuers.change(issuer=issuer, **changed, by=by(noor()), reason="Entra", now=NOW)
    first = propose(Kind.ISSUER_CHANGED, issuer, **changed)
    assert first.changes["audience"] == ("", "api://tenant")
    issuers.change(issuer=issuer, audience="api://other", max_lifetime=3600, jwks=None, by=SYSTEM, now=NOW)
    with pytest.raises(Refusal) as caught:
        proposals.confirm(proposal=first, by=by(bram()), reason="Known", now=NOW)
    assert caught.value.code == Code.PROPOSAL_OUT_OF_DATE
    issuer.refresh_from_db()
    assert issuer.audience == "api://other"


def test_a_confirmed_change_is_carried_out_with_pasted_keys():
    issuer = create(jwks={"keys": [jwk_of(new_ec(), kid="old")]})
    other = {"keys": [jwk_of(new_ec(), kid="new")]}
    proposal = propose(Kind.ISSUER_CHANGED, issuer, audience="", max_lifetime=7200, jwks=other)
    proposals.confirm(proposal=proposal, by=by(bram()), reason="Known", now=NOW)
    issuer.refresh_from_db()
    assert ([key["kid"] for key in issuer.keys], issuer.max_lifetime) == (["new"], 7200)


def test_a_change_of_nothing_is_refused():
    with pytest.raises(Refusal) as caught:
        issuers.change(issuer=create(), audience="", max_lifetime=3600, jwks=None, by=SYSTEM, now=NOW)
    assert caught.value.code == Code.ISSUER_UNCHANGED


def test_disabling_takes_two_and_tells_the_contacts_of_its_clients():
    issuer = create()
    trust(issuer)
    with pytest.raises(NeedsColleague):
        issuers.disable(issuer=issuer, by=by(noor()), reason="Leaked", now=NOW)
    proposals.confirm(proposal=propose(Kind.ISSUER_DISABLED, issuer), by=by(bram()), reason="Known", now=NOW)
    issuer.refresh_from_db()
    assert not issuer.is_enabled
    mail = Mail.objects.get(user=lotte(), kind=Mail.Kind.CLIENT_CHANGED)
    assert mail.facts["action"] == "issuer.disabled"
    with pytest.raises(Refusal):
        issuers.disable(issuer=issuer, by=SYSTEM, now=NOW)


def test_tokens_of_a_disabled_issuer_are_marked_and_enabling_again_revives_none():
    """PROTOCOL F-34; the authorization server refuses them from the commit on, before the mark."""
    issuer = create()
    mine, other = trust(issuer), trust(create(name="Other", url="https://other.example"))
    for number, held in enumerate((mine, other)):
        Token.objects.create(
            digest=bytes([number]) * 32, client=held.client, epoch=1, scope="", credential=held.credential,
            issued_at=NOW - timedelta(minutes=1), expires_at=NOW + timedelta(hours=1),
        )  # fmt: skip
    issuers.disable(issuer=issuer, by=SYSTEM, now=NOW)
    tasks.mark_tokens_of_issuer(issuer.pk)
    issuers.enable(issuer=issuer, by=SYSTEM, now=NOW + timedelta(minutes=1))
    revoked = dict(Token.objects.values_list("credential", "revoked_at"))
    assert revoked == {mine.credential: NOW, other.credential: None}
    assert issuer.enabled_at > NOW


def test_a_declined_issuer_stays_disabled():
    issuer = create(by=by(noor()))
    proposals.decline(proposal=propose(Kind.ISSUER_ENABLED, issuer), by=by(bram()), reason="Unknown", now=NOW)
    issuer.refresh_from_db()
    assert not issuer.is_enabled
