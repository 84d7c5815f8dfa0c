"""Two members of the Security team end the two approvals that a sensitive scope needs; one alone does not."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from audit.models import Entry
from clients import catalogue, registrations, registry
from clients.models import ClientScope, Mail, Scope, User
from tests import factories
from tests.factories import by
from tests.portal.staff import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def scope() -> Scope:
    return factories.scope("person.nrn.read", sensitive=True)


def post(scope: Scope, who: User, **data: object):
    return signed_in(who).post(reverse("ease_scope", args=[scope.pk]), data, follow=True)


def page(scope: Scope, who: User) -> str:
    return signed_in(who).get(reverse("ease_scope", args=[scope.pk])).content.decode()


def test_one_asks_and_another_confirms(scope) -> None:
    post(scope, factories.noor(), act="ask", reason="The register\nis public now")
    scope.refresh_from_db()
    assert scope.sensitive
    assert "asks to end the two approvals" in signed_in(factories.bram()).get(reverse("scopes")).content.decode()
    assert "A colleague asks you to confirm" in signed_in(factories.bram()).get(reverse("dashboard")).content.decode()
    assert "A colleague asks" not in signed_in(factories.noor()).get(reverse("dashboard")).content.decode()
    assert "The register<br>is public now" in page(scope, factories.bram())
    post(scope, factories.bram(), act="ease")
    scope.refresh_from_db()
    assert (scope.sensitive, scope.easing_asked_by, scope.easing_asked_at) == (False, None, None)
    eased, asked = Entry.objects.all()[:2]
    assert (eased.action, eased.actor_label, eased.changes) == (
        "scope.eased", factories.bram().audit_label, {"sensitive": [True, False]},
    )  # fmt: skip
    assert (asked.action, asked.actor_label, asked.note) == (
        "scope.easing_asked", factories.noor().audit_label, "The register\nis public now",
    )  # fmt: skip


def test_who_asked_does_not_confirm(scope) -> None:
    post(scope, factories.noor(), act="ask", reason="Because")
    assert "Confirm: one approval is enough" not in page(scope, factories.noor())
    assert "You asked for it yourself" in post(scope, factories.noor(), act="ease").content.decode()
    assert "asked for this already" in post(scope, factories.noor(), act="ask", reason="Again").content.decode()
    scope.refresh_from_db()
    assert scope.sensitive
    assert Entry.objects.filter(action__startswith="scope.eas").count() == 1


def test_nobody_confirms_what_nobody_asks(scope) -> None:
    assert "Nobody asks for this any more" in post(scope, factories.bram(), act="ease").content.decode()
    scope.refresh_from_db()
    assert scope.sensitive


@pytest.mark.parametrize("who", [factories.noor, factories.bram], ids=["taken back", "declined"])
def test_the_two_approvals_can_stay(scope, who) -> None:
    post(scope, factories.noor(), act="ask", reason="Because")
    post(scope, who(), act="keep")
    scope.refresh_from_db()
    assert (scope.sensitive, scope.easing_asked_by) == (True, None)
    assert Entry.objects.first().action == "scope.easing_declined"


def test_a_reason_is_asked_for(scope) -> None:
    response = post(scope, factories.noor(), act="ask")
    assert response.status_code == 422
    assert "Tell your colleague why." in response.content.decode()
    assert post(scope, factories.noor(), act="other").status_code == 422


def test_the_catalogue_form_ends_no_sensitivity(scope) -> None:
    """The way that was open: end the sensitivity, approve alone, make it sensitive again."""
    address, browser = reverse("change_scope", args=[scope.pk]), signed_in(factories.noor())
    page = browser.get(address).content.decode()
    assert 'name="sensitive"' not in page
    assert reverse("ease_scope", args=[scope.pk]) in page
    browser.post(address, {"description_en": "Other words"})
    scope.refresh_from_db()
    assert (scope.sensitive, scope.described_in("en")) == (True, "Other words")
    with pytest.raises(catalogue.UnableToEaseScope):
        catalogue.change_scope(scope=scope, description={"en": "x"}, sensitive=False, by=by(factories.noor()))


def test_one_approves_alone_only_after_two_eased_the_scope(scope, now) -> None:
    registration = factories.submitted_request(now, scopes=(scope,))
    told = {"registration": registration, "defaults": [], "seen": registration.content_hash, "by": by(factories.noor())}
    catalogue.ask_to_ease(scope=scope, reason="x", by=by(factories.noor()), now=now)
    with pytest.raises(catalogue.UnableToEaseScope):
        catalogue.ease(scope=scope, by=by(factories.noor()))
    with transaction.atomic():
        assert registrations.approve(scopes=[scope], now=now, **told) is None
        transaction.set_rollback(True)
    catalogue.ease(scope=scope, by=by(factories.bram()))
    registration.refresh_from_db()
    assert registrations.approve(scopes=[scope], now=now, **told) is not None


def test_a_sensitive_scope_is_not_given_without_a_request(scope, now) -> None:
    client, _secret = factories.client()
    with pytest.raises(registry.UnableToChangeClient):
        registry.change_scopes(client=client, scopes=[scope], defaults=[], by=by(factories.noor()), now=now)
    assert not ClientScope.objects.filter(scope=scope).exists()
    assert not Mail.objects.filter(kind=Mail.Kind.CLIENT_CHANGED).exists()


def test_an_auditor_or_an_operator_does_not_ease(scope, now) -> None:
    for actor in (by(factories.ada()), factories.SYSTEM):
        with pytest.raises(catalogue.UnableToEaseScope):
            catalogue.ask_to_ease(scope=scope, reason="x", by=actor, now=now)


def test_the_database_knows_no_eased_scope_that_waits(scope, now) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Scope.objects.update(sensitive=False, easing_asked_by=factories.noor())


def test_saving_what_is_there_already_is_no_change(scope) -> None:
    scope.description = {"en": "Numbers"}
    scope.save()
    before = Entry.objects.count()
    signed_in(factories.noor()).post(reverse("change_scope", args=[scope.pk]), {"description_en": "Numbers"})
    assert Entry.objects.count() == before
    signed_in(factories.noor()).post(
        reverse("change_scope", args=[scope.pk]), {"description_en": "Numbers", "description_nl": "Nummers"}
    )
    assert Entry.objects.first().changes == {"description": ["en: Numbers", "en: Numbers\nnl: Nummers"]}
