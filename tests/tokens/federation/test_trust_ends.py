"""PROTOCOL C-39 and F-34: a trust ends by its age, with its tokens, and is extended near its end."""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib import import_module

import pytest
import time_machine
from django.apps import apps
from django.db import connection, transaction

from audit.models import Entry
from clients.actors import Actor
from clients.acts.credentials import trusts
from clients.acts.credentials.ways_in import without_secrets
from clients.models import Client, Issuer, Mail, Trust
from clients.refusal_codes import Code
from tests.support import factories
from tests.support.factories import NOW, SYSTEM
from tests.support.parallel import at_once, refused
from tests.tokens.support.issuers import FixtureIssuer, form, github
from tests.tokens.support.wire import Clock, Wire
from tokens.acts import dry_run
from tokens.acts.federation import trusts as removal
from tokens.models import Token

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)
YEAR = timedelta(days=365)
MIGRATION = import_module("clients.migrations.0026_trust_ends")


@pytest.fixture
def github_actions(client: Client, clock: Clock) -> FixtureIssuer:
    """A registered issuer whose keys were pasted, so that they do not age."""
    made = github(clock)
    made.register()
    Issuer.objects.update(pasted_keys={"keys": []})
    return made


@pytest.fixture
def trust(client: Client, github_actions: FixtureIssuer, settings) -> Trust:
    """A trust for a year: the client's secret lasts longer."""
    settings.TRUST_MAX_AGE = YEAR
    return add(client, github_actions, NOW)


def add(client: Client, platform: FixtureIssuer, now: datetime) -> Trust:
    given = {"subject": platform.subject, "claims": platform.pinned, "by": SYSTEM, "now": now}
    return trusts.add(client=client, issuer=Issuer.objects.get(), **given)


def extend(trust: Trust, now: datetime, by: Actor = SYSTEM) -> Trust:
    return trusts.extend(trust=trust, by=by, now=now)


def set_clock(clock: Clock, at: datetime) -> None:
    clock.at = at.timestamp()


# --- The end ----------------------------------------------------------------------------------------------------------


def test_a_trust_works_until_its_end_and_not_a_second_longer(wire: Wire, client, github_actions, trust, clock):
    assert trust.expires_at == NOW + YEAR
    set_clock(clock, trust.expires_at - timedelta(seconds=1))
    assert wire.post("token", form(client, github_actions.token())).status == 200
    clock.pass_by(1)
    answer = wire.post("token", form(client, github_actions.token()))
    assert (answer.status, answer.error) == (400, "invalid_client")
    cause = wire.cause(answer)
    assert cause is not None
    ended = {"subject": github_actions.subject, "ended_at": int(clock()), "our_clock": int(clock())}
    assert (cause.rule, cause.facts) == ("credential_ended", ended)


def test_its_tokens_never_outlive_it(wire: Wire, client, github_actions, trust, clock, authorization):
    """PROTOCOL F-34: expires_in is true, and introspection says inactive from the end on."""
    set_clock(clock, trust.expires_at - timedelta(seconds=90))
    answer = wire.post("token", form(client, github_actions.token()))
    assert answer.json["expires_in"] == 90
    assert Token.objects.get().expires_at == trust.expires_at
    Token.objects.update(expires_at=trust.expires_at + DAY)  # as one from before the upgrade may
    token = answer.json["access_token"]
    clock.pass_by(89)
    assert wire.introspect(token, authorization).json["active"] is True
    clock.pass_by(1)
    assert wire.introspect(token, authorization).json == {"active": False}
    assert not Token.objects.of(client).live(trust.expires_at).exists()


def test_a_planned_removal_bounds_its_tokens_too(wire: Wire, client, github_actions, trust):
    removal.remove(trust=trust, by=SYSTEM, now=NOW, overlap=timedelta(seconds=60))
    assert wire.post("token", form(client, github_actions.token())).json["expires_in"] == 60


def test_a_stranger_does_not_learn_that_a_trust_has_ended(wire: Wire, client, github_actions, trust, clock):
    """PROTOCOL A-16: without a token that fits, the journal does not speak of its end, and the answer never does."""
    set_clock(clock, trust.expires_at)
    ended = wire.post("token", form(client, github_actions.token()))
    other = wire.post("token", form(client, github_actions.token(repository_id="1")))
    assert ended.told == other.told
    assert wire.rule(other) == "federated_claim"


def test_the_dry_run_knows_the_end(client, github_actions, trust, clock):
    set_clock(clock, trust.expires_at)
    (finding,) = dry_run.explain(github_actions.token(), client=client, now=trust.expires_at).findings
    assert finding.rule == "credential_ended"


def test_of_two_that_fit_one_that_lasts_is_enough(wire: Wire, client, github_actions, trust, clock):
    set_clock(clock, trust.expires_at)
    assert github_actions.trust(client, claims={}).expires_at is None
    assert wire.post("token", form(client, github_actions.token())).status == 200


def test_what_has_aged_is_nothing_to_count_on(client, trust):
    then = trust.expires_at
    assert trust.state(then) == Trust.State.EXPIRED
    assert without_secrets(client, then - DAY)
    assert not without_secrets(client, then)


def test_a_trust_lasts_two_years_where_the_site_says_nothing_else(client, github_actions, settings):
    assert add(client, github_actions, NOW).expires_at == NOW + timedelta(days=730)
    Trust.objects.all().delete()
    settings.TRUST_MAX_AGE = timedelta(0)
    assert add(client, github_actions, NOW).expires_at is None


def test_a_trust_that_has_ended_makes_place_for_the_same_one(wire: Wire, client, github_actions, trust, clock):
    later = trust.expires_at + 31 * DAY
    set_clock(clock, later)
    again = add(client, github_actions, later)
    trust.refresh_from_db()
    assert (trust.ends_at, again.expires_at) == (trust.expires_at, later + YEAR)
    assert wire.post("token", form(client, github_actions.token())).status == 200


# --- Extend it --------------------------------------------------------------------------------------------------------


def test_a_trust_is_extended_once_logged_and_mailed(client, trust):
    factories.lotte()
    now = trust.expires_at - 30 * DAY
    extend(trust, now)
    trust.refresh_from_db()
    assert trust.expires_at == now + YEAR
    entry = Entry.objects.get(action="trust.extended")
    assert (entry.subject_id, entry.client_ref) == (f"trust:{trust.uid}", str(client.uid))
    assert entry.changes == {"expires_at": [(NOW + YEAR).isoformat(), trust.expires_at.isoformat()]}
    assert Mail.objects.filter(facts__action="trust.extended").count() == client.contacts.count() == 1


def test_it_keeps_its_tokens_and_works_on(wire: Wire, client, github_actions, trust, clock, authorization):
    set_clock(clock, trust.expires_at - timedelta(hours=1))
    token = wire.post("token", form(client, github_actions.token())).json["access_token"]
    extend(trust, trust.expires_at - timedelta(minutes=30))
    clock.pass_by(600)
    assert wire.introspect(token, authorization).json["active"] is True
    clock.pass_by(2 * DAY.total_seconds())
    assert wire.post("token", form(client, github_actions.token())).status == 200
    assert Trust.objects.get().credential == trust.credential


@pytest.mark.parametrize("days", [-30, -1, 0, 1, 30])
def test_it_is_extended_from_30_days_before_its_end_to_30_days_after_it(trust, days):
    assert extend(trust, trust.expires_at + days * DAY).expires_at == trust.expires_at + days * DAY + YEAR


@pytest.mark.parametrize("seconds", [-30 * 86_400 - 1, 30 * 86_400 + 1])
def test_no_sooner_and_no_later(trust, seconds):
    outcome = at_once(1, lambda _number: extend(trust, trust.expires_at + timedelta(seconds=seconds)))
    assert refused(outcome) == [Code.TRUST_NOT_NEAR_ITS_END]
    assert not Entry.objects.filter(action="trust.extended").exists()


def test_of_two_at_once_one_extends_it(trust):
    outcomes = at_once(2, lambda _number: extend(trust, trust.expires_at - DAY))
    assert refused(outcomes) == [Code.TRUST_NOT_NEAR_ITS_END]
    assert Entry.objects.filter(action="trust.extended").count() == 1


def test_a_trust_that_was_removed_stays_so(client, trust):
    Trust.objects.update(ends_at=NOW)
    assert refused(at_once(1, lambda _number: extend(trust, NOW))) == [Code.TRUST_REMOVED_ALREADY]


def test_a_client_whose_self_service_is_paused_extends_nothing(client, trust):
    """API M-12."""
    Client.objects.update(self_service=Client.SelfService.PAUSED)
    by = Actor(client=client, credential="secret …4f2a")
    assert refused(at_once(1, lambda _number: extend(trust, trust.expires_at, by))) == [Code.SELF_SERVICE_OFF]


def test_trusts_from_before_the_upgrade_count_from_it(client, github_actions):
    before = github_actions.trust(client)
    removed = github_actions.trust(client, claims={}, ends_at=NOW)
    with time_machine.travel(NOW + DAY, tick=False), transaction.atomic():
        MIGRATION.end_existing(apps, connection.schema_editor())
    before.refresh_from_db()
    removed.refresh_from_db()
    assert (before.expires_at, removed.expires_at) == (NOW + DAY + timedelta(days=730), None)
