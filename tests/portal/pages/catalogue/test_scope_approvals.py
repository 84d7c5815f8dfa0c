"""Two members of the Security team drop the second approval that a sensitive scope needs; one alone does not."""

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from audit.models import Entry
from clients.acts import catalogue, lifecycle, proposals, review
from clients.acts.four_eyes import NeedsColleague
from clients.models import ClientScope, Mail, Proposal, Scope, User
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.factories import bram, by, noor

pytestmark = pytest.mark.django_db


@pytest.fixture
def scope() -> Scope:
    return factories.scope("person.nrn.read", sensitive=True)


def ask(scope: Scope, who: User, reason: str):
    return signed_in(who).post(reverse("security:ease_scope", args=[scope.pk]), {"reason": reason}, follow=True)


def decide(who: User, act: str):
    address = reverse("security:proposal", args=[Proposal.objects.get().uid])
    return signed_in(who).post(address, {"act": act, "reason": "I read the decree"}, follow=True)


def test_one_asks_and_another_confirms(scope) -> None:
    page = ask(scope, noor(), "The register\nis public now").content.decode()
    scope.refresh_from_db()
    assert scope.sensitive
    assert "The register<br>is public now" in page
    decide(bram(), "confirm")
    scope.refresh_from_db()
    assert not scope.sensitive
    eased, asked = Entry.objects.all()[:2]
    assert (eased.action, eased.actor_label, eased.note, eased.changes["sensitive"]) == (
        "scope.eased", bram().audit_label, "I read the decree", [True, False],
    )  # fmt: skip
    assert eased.changes["proposed_by"] == [None, noor().audit_label]
    assert (asked.action, asked.actor_label, asked.note) == (
        "proposal.made", noor().audit_label, "The register\nis public now",
    )  # fmt: skip


def test_who_asked_does_not_confirm(scope) -> None:
    ask(scope, noor(), "Because")
    assert "You proposed this yourself" in decide(noor(), "confirm").content.decode()
    assert ask(scope, noor(), "Again").redirect_chain[0][0] == reverse(
        "security:proposal", args=[Proposal.objects.get().uid]
    )
    scope.refresh_from_db()
    assert scope.sensitive
    assert Entry.objects.filter(action__startswith="proposal.").count() == 1


def test_nobody_confirms_what_nobody_asks(scope) -> None:
    with pytest.raises(NeedsColleague):
        catalogue.drop_second_approval(scope=scope, reason="Alone", by=by(bram()))
    scope.refresh_from_db()
    assert scope.sensitive


def test_a_reason_is_asked_for(scope) -> None:
    assert ask(scope, noor(), "").status_code == 422
    assert not Proposal.objects.exists()


def test_another_description_is_another_question(scope) -> None:
    """The second person must not agree to more than the first one proposed."""
    ask(scope, noor(), "Because")
    catalogue.change_scope(scope=scope, description={"en": "All of it"}, sensitive=True, reason="Wider", by=by(noor()))
    assert decide(bram(), "confirm").status_code == 409
    scope.refresh_from_db()
    assert scope.sensitive


def test_the_catalogue_form_ends_no_sensitivity(scope) -> None:
    """The way that was open: end the sensitivity, approve alone, make it sensitive again."""
    address, browser = reverse("security:change_scope", args=[scope.pk]), signed_in(noor())
    page = browser.get(address).content.decode()
    assert 'name="sensitive"' not in page
    assert reverse("security:ease_scope", args=[scope.pk]) in page
    browser.post(address, {"description_en": "Other words", "reason": "Clearer"})
    scope.refresh_from_db()
    assert (scope.sensitive, scope.described_in("en")) == (True, "Other words")
    with pytest.raises(Refusal, match=Code.EASING_TAKES_TWO):
        catalogue.change_scope(scope=scope, description={"en": "x"}, sensitive=False, reason="x", by=by(noor()))


def test_one_approves_alone_only_after_two_eased_the_scope(scope, now) -> None:
    registration = factories.submitted_request(now, scopes=(scope,))
    told = {"registration": registration, "defaults": [], "seen": registration.content_hash, "by": by(noor())}
    proposal = proposals.propose(
        kind=Proposal.Kind.SCOPE_EASED, about=scope, content={}, reason="Public now", by=by(noor()), now=now
    )
    with pytest.raises(Refusal, match=Code.OWN_PROPOSAL):
        proposals.confirm(proposal=proposal, reason="Fine", by=by(noor()), now=now)
    with transaction.atomic():
        assert review.approve(scopes=[scope], now=now, **told) is None
        transaction.set_rollback(True)
    proposals.confirm(proposal=proposal, reason="Fine", by=by(bram()), now=now)
    registration.refresh_from_db()
    scope.refresh_from_db()
    assert review.approve(scopes=[scope], now=now, **told) is not None


def test_one_person_gives_no_sensitive_scope_without_a_request(scope, now) -> None:
    client, _secret = factories.client()
    with pytest.raises(NeedsColleague):
        lifecycle.change_scopes(client=client, scopes=[scope], defaults=[], reason="Alone", by=by(noor()), now=now)
    assert not ClientScope.objects.filter(scope=scope).exists()
    assert not Mail.objects.filter(kind=Mail.Kind.CLIENT_CHANGED).exists()


def test_an_auditor_or_an_operator_does_not_ease(scope, now) -> None:
    for actor in (by(factories.ada()), factories.SYSTEM):
        with pytest.raises(Refusal, match=Code.NOT_SECURITY_TEAM):
            proposals.propose(
                kind=Proposal.Kind.SCOPE_EASED, about=scope, content={}, reason="x", by=actor, now=timezone.now()
            )
        with pytest.raises(Refusal, match=Code.NOT_SECURITY_TEAM):
            catalogue.drop_second_approval(scope=scope, reason="x", by=actor)


def test_saving_what_is_there_already_is_no_change(scope) -> None:
    scope.description = {"en": "Numbers"}
    scope.save()
    before, address = Entry.objects.count(), reverse("security:change_scope", args=[scope.pk])
    signed_in(noor()).post(address, {"description_en": "Numbers", "reason": "Nothing"})
    assert Entry.objects.count() == before
    signed_in(noor()).post(address, {"description_en": "Numbers", "description_nl": "Nummers", "reason": "Translated"})
    entry = Entry.objects.first()
    assert (entry.changes, entry.note) == ({"description": ["en: Numbers", "en: Numbers\nnl: Nummers"]}, "Translated")
