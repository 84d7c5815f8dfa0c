"""Two people at once: one wins, the other is told, and every change has exactly one entry in the log."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction

from audit.models import Entry
from clients import expiry
from clients.access import management_links, one_time_codes
from clients.actors import Actor
from clients.acts import lifecycle, review
from clients.acts.credentials import client_secrets, keys
from clients.mail import outbox
from clients.models import Client, Key, Mail, MailedCode, Registration, Secret
from clients.refusal_codes import Code
from tests.support.factories import NOW, bram, by, client, lotte, noor, submitted_request
from tests.support.keys import certificate, public_key
from tests.support.parallel import at_once, refused

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "wake_worker", lambda mail_id: None)


def succeeded(outcomes):
    return [outcome for outcome in outcomes if not isinstance(outcome, Exception)]


def test_twenty_decisions_give_one_decision_client_mail_and_entry():
    pk, seen = (registration := submitted_request()).pk, registration.content_hash
    reviewers, scopes = [by(noor()), by(bram())], [row.scope for row in registration.asked.all()]
    Mail.objects.all().delete()

    def decide(number):
        mine = Registration.objects.get(pk=pk)
        about = {"registration": mine, "seen": seen, "by": reviewers[number % 2], "now": NOW}
        if number % 4 < 2:
            return review.approve(scopes=scopes, defaults=scopes, **about) or "approved"
        return review.reject(message="No.", **about) or "rejected"

    outcomes = at_once(20, decide)

    assert len(succeeded(outcomes)) == 1, outcomes
    assert set(refused(outcomes)) == {Code.REQUEST_NOT_WAITING}
    approved = Registration.objects.get(pk=pk).status == Registration.Status.APPROVED
    assert Client.objects.count() == int(approved)
    assert Mail.objects.count() == 1
    assert Entry.objects.filter(action__in=["registration.approved", "registration.rejected"]).count() == 1


def test_twenty_regenerations_leave_one_new_secret_the_one_that_was_shown():
    mine, _secret = client()
    seen = mine.secrets.get()

    def regenerate(_number):
        return client_secrets.regenerate(client=mine, replaces=seen, overlap=timedelta(0), by=by(lotte()), now=NOW)

    lotte()
    (shown,) = succeeded(at_once(20, regenerate))
    assert Secret.objects.filter(client=mine).count() == 2
    current = mine.secrets.current().get()
    assert client_secrets.view(secret=current, by=by(lotte()), now=NOW) == shown
    assert Entry.objects.filter(action="secret.regenerated").count() == 1


def test_one_of_twenty_guesses_at_once_cannot_exceed_five_attempts():
    code = one_time_codes.issue(purpose=MailedCode.Purpose.STEP_UP, email=lotte().email, user=lotte(), now=NOW)
    wrong = f"{(int(one_time_codes.value(code)) + 1) % 1_000_000:06d}"
    outcomes = at_once(20, lambda _number: one_time_codes.spend(code, typed=wrong, now=NOW))
    assert all(isinstance(outcome, one_time_codes.CodeRefused) for outcome in outcomes)
    code.refresh_from_db()
    assert code.attempts == 5


def test_a_link_used_twenty_times_at_once_opens_once():
    with transaction.atomic():
        link = outbox.queue_link(user=lotte(), now=NOW).link
    management_links.activate(link)
    use = lambda _number: management_links.use(management_links.token(link), by_address="", request_id="", now=NOW)  # noqa: E731
    assert len(succeeded(at_once(20, use))) == 1
    assert Entry.objects.filter(action="link.opened").count() == 1


def test_the_same_key_at_two_clients_at_once_is_kept_by_one():
    clients = [client()[0] for _ in range(6)]
    key, actor = public_key(), by(lotte())
    outcomes = at_once(6, lambda number: keys.add(client=clients[number], key=key, by=actor, now=NOW, proven=True))
    assert len(succeeded(outcomes)) == 1, outcomes
    assert set(refused(outcomes)) == {Code.KEY_USED_ELSEWHERE}
    assert Key.objects.count() == 1


@pytest.mark.parametrize("attempt", range(3))
def test_of_a_proof_and_copies_at_once_only_the_proven_key_stays(attempt):
    clients = [client()[0] for _ in range(8)]
    key, actor = public_key(), by(lotte())

    def add(number):
        return keys.add(client=clients[number], key=key, by=actor, now=NOW, proven=number == attempt)

    outcomes = at_once(8, add)
    assert set(refused(outcomes)) <= {Code.KEY_USED_ELSEWHERE}, outcomes
    assert Key.objects.get(retires_at=None).client == clients[attempt]


def test_the_last_two_keys_cannot_both_go():
    mine, _secret = client()
    first, second = (keys.add(client=mine, key=public_key(), by=by(lotte()), now=NOW) for _ in range(2))
    client_secrets.set_allowed(client=mine, allowed=False, by=by(lotte()), now=NOW)
    actor, pair = by(lotte()), (first, second)
    outcomes = at_once(2, lambda number: keys.retire(key=pair[number], overlap=timedelta(0), by=actor, now=NOW))
    assert mine.keys.usable(NOW).count() == 1
    assert refused(outcomes) == [Code.LAST_KEY]


def test_the_client_id_changes_once_from_what_one_saw():
    mine, _secret = client()
    seen, actor = mine.client_id, by(lotte())
    outcomes = at_once(
        10,
        lambda _number: lifecycle.change_client_id(client=Client.objects.get(pk=mine.pk), seen=seen, by=actor, now=NOW),
    )
    (new,) = succeeded(outcomes)
    assert Client.objects.get().client_id == new
    assert Entry.objects.filter(action="client.id_changed").count() == 1


@pytest.mark.parametrize("act", ["activate", "close", "reencrypt", "warn"])
def test_an_act_waits_for_the_client_before_it_locks_a_credential_of_it(act, settings):
    """The other way round, two acts at once would wait for each other until the database ends one of them."""
    (mine, _secret), actor = client(), by(lotte())
    key = keys.add(client=mine, key=certificate(days=3), by=actor, now=NOW, active=act != "activate")
    settings.SECRETS_KEYS = {"new": "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE", **settings.SECRETS_KEYS}
    acts = {
        "activate": lambda: keys.activate(key=key, by=actor, now=NOW),
        "close": lambda: lifecycle.close(client=mine, reason="Done.", by=actor, now=NOW),
        "reencrypt": lambda: client_secrets.reencrypt(by=actor),
        "warn": lambda: expiry.warn(now=NOW, last_uses=lambda names: {}),
    }
    outcomes: list[object] = []
    waiting = threading.Thread(target=lambda: outcomes.extend(at_once(1, lambda _number: acts[act]())))
    with transaction.atomic():
        Client.objects.locked(mine.pk)
        waiting.start()
        until_somebody_waits_for_a_lock()
        assert len(Key.objects.select_for_update(nowait=True)) == 1
        assert len(Secret.objects.select_for_update(nowait=True)) == 1
    waiting.join()
    assert succeeded(outcomes) == outcomes


def until_somebody_waits_for_a_lock():
    for _try in range(500):
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM pg_locks WHERE NOT granted")
            if cursor.fetchone() is not None:
                return
        time.sleep(0.01)
    pytest.fail("nobody waits")


def test_the_log_has_no_gap_after_twenty_acts_at_once_of_which_some_fail():
    mine, _secret = client()

    def toggle(number):
        act = lifecycle.suspend if number % 2 else lifecycle.reactivate
        act(client=Client.objects.get(pk=mine.pk), reason="race", by=Actor(system="race"), now=NOW)

    at_once(20, toggle)
    numbers = list(Entry.objects.order_by("seq").values_list("seq", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
