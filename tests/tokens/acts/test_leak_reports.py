"""API M-16: what was reported ends by itself, once, and its people know where it was found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as django_mail

from audit.models import Entry
from clients.actors import GITHUB_REPORT, PAGE_REPORT, Actor
from clients.acts.credentials import client_secrets, keys
from clients.mail import outbox
from clients.mail.rendering import render
from clients.models import Client, Mail, Secret
from foundation import secret_format
from foundation.refusals import Refusal
from tests.portal.api.support.callers import token_for
from tests.support import factories
from tests.support.factories import NOW, SYSTEM, by, lotte, noor
from tests.support.keys import new_ec, public_key
from tests.support.parallel import at_once
from tokens import tasks
from tokens.acts import incident, leak_reports
from tokens.acts.leak_reports import Find, Place
from tokens.acts.leaks import Leak
from tokens.models import Token

pytestmark = pytest.mark.django_db

GITHUB = Actor(system=GITHUB_REPORT, address="192.0.2.44", request_id="test")
PLACE = Place(url="https://github.com/octocat/hello-world/blob/4c1e0f7/deploy.sh", source="commit")


@pytest.fixture
def made() -> tuple[Client, str]:
    noor()
    made = factories.client()
    Mail.objects.all().delete()
    return made


def find(*values: str, place: Place = PLACE) -> Find:
    return Find(digests=frozenset(map(secret_format.digest, values)), place=place)


def report(*finds: Find, by: Actor = GITHUB, now: Any = NOW) -> leak_reports.Reported:
    return leak_reports.report(finds=finds, by=by, now=now)


def entries() -> list[Entry]:
    return list(Entry.objects.filter(action="incident.revoked").order_by("seq"))


def mails(kind: Mail.Kind, **about: Any) -> list[Mail]:
    return list(Mail.objects.filter(kind=kind, **about).order_by("created_at"))


def live(client: Client) -> int:
    return Token.objects.of(client).live(NOW).count()


# --- What ends ------------------------------------------------------------------------------------------------------
def test_a_secret_ends_with_every_token_of_its_client(made: tuple[Client, str]) -> None:
    client, secret = made
    token_for(client)
    keys.add(client=client, key=public_key(), by=by(lotte()), now=NOW)
    assert report(find(secret)).ours == [True]
    row = client.secrets.get()
    assert (row.ends_at, row.leaked_at, live(client)) == (NOW, NOW, 0)
    client.refresh_from_db()
    assert client.self_service == Client.SelfService.PAUSED
    [entry] = entries()
    assert (entry.actor_id, entry.actor_label) == ("system:leak report (github)", "leak report (GitHub)")
    assert entry.changes["found_at"] == [None, f"{PLACE.url} (commit)"]
    assert entry.changes["self_service"] == ["on", "paused"]


def test_a_token_ends_alone_and_self_service_goes_on(made: tuple[Client, str]) -> None:
    client, _secret = made
    leaked, _kept = token_for(client), token_for(client)
    report(find(leaked))
    client.refresh_from_db()
    assert (live(client), client.self_service) == (1, Client.SelfService.ON)
    assert client.secrets.get().ends_at is None


def test_a_key_ends_for_every_client_that_registered_it(made: tuple[Client, str]) -> None:
    private = new_ec()
    key = keys.add(client=made[0], key=public_key(private), by=by(lotte()), now=NOW)
    assert report(Find(thumbprints=frozenset([key.thumbprint]))).ours == [True]
    key.refresh_from_db()
    assert (key.retires_at, key.leaked_at) == (NOW, NOW)
    assert report(Find(thumbprints=frozenset([key.thumbprint]))).ours == [True]
    assert len(entries()) == 1
    with pytest.raises(Refusal, match="key_leaked"):
        keys.add(client=made[0], key=public_key(private), by=by(lotte()), now=NOW)


def test_what_ended_before_is_ours_and_nothing_more_happens(made: tuple[Client, str]) -> None:
    client, secret = made
    keys.add(client=client, key=public_key(), by=by(lotte()), now=NOW)
    client_secrets.end(secret=client.secrets.get(), by=by(lotte()), now=NOW)
    Mail.objects.all().delete()
    assert report(find(secret)).ours == [True]
    assert not entries()
    assert not Mail.objects.exists()


def test_the_tokens_of_a_secret_that_ended_before_die(made: tuple[Client, str]) -> None:
    client, secret = made
    token_for(client)
    client.secrets.update(ends_at=NOW - timedelta(days=1))
    report(find(secret))
    assert (live(client), len(entries())) == (0, 1)


@pytest.mark.django_db(transaction=True)
def test_the_same_report_at_the_same_time_ends_once(made: tuple[Client, str]) -> None:
    client, secret = made
    key = keys.add(client=client, key=public_key(), by=by(lotte()), now=NOW)
    finds = (find(secret, token_for(client)), Find(thumbprints=frozenset([key.thumbprint])))
    Mail.objects.all().delete()
    moments = [NOW, NOW - timedelta(milliseconds=30), NOW + timedelta(milliseconds=30), NOW]  # clocks of four machines
    outcomes = at_once(4, lambda number: report(*finds, now=moments[number]))
    assert [outcome.ours for outcome in outcomes] == [[True, True]] * 4
    assert sum(len(outcome.ended) for outcome in outcomes) == len(entries()) == 3
    assert len(mails(Mail.Kind.LEAK_REVOKED)) == len(mails(Mail.Kind.LEAK_REPORTED)) == 3


def test_trouble_with_one_client_leaves_the_others_to_end(
    made: tuple[Client, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other, theirs = factories.client()
    end = leak_reports._end

    def fails_for_one(client_pk: int, *given: Any) -> Any:
        if client_pk == made[0].pk:
            raise RuntimeError("broken")
        return end(client_pk, *given)

    monkeypatch.setattr(leak_reports, "_end", fails_for_one)
    with pytest.raises(Refusal, match="leaks_not_all_ended"):
        report(find(made[1]), find(theirs))
    assert other.secrets.get().ends_at == NOW
    assert made[1] not in caplog.text


# --- Grace ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def grace(settings: Any) -> Iterator[timedelta]:
    settings.LEAKED_SECRET_GRACE = timedelta(hours=1)
    return settings.LEAKED_SECRET_GRACE


def test_the_only_way_in_works_on_for_the_grace_and_its_tokens_do_not(
    made: tuple[Client, str], grace: timedelta
) -> None:
    client, secret = made
    token_for(client)
    for _twice in range(2):
        assert report(find(secret)).ours == [True]
    row = client.secrets.get()
    assert (row.ends_at, live(client), len(entries())) == (NOW + grace, 0, 1)
    assert len(mails(Mail.Kind.LEAK_REVOKED)) == 1
    told = render(mails(Mail.Kind.LEAK_REVOKED)[0], now=NOW)
    assert told.subject == f"Action needed: a leaked secret of {client.name} stops working soon"
    text = " ".join(told.body.split())
    assert "It works until 24 November 2026, 11:30" in text
    incident.revoke(leak=Leak(row), by=by(noor()), now=NOW, reason="At once")
    assert client.secrets.get().ends_at == NOW, "the Security team can still end it"


def test_with_another_way_in_there_is_no_grace(made: tuple[Client, str], grace: timedelta) -> None:
    client, secret = made
    keys.add(client=client, key=public_key(), by=by(lotte()), now=NOW)
    report(find(secret))
    assert client.secrets.get().ends_at == NOW


def test_what_it_got_in_the_grace_ends_with_it(made: tuple[Client, str], grace: timedelta, time_machine: Any) -> None:
    client, secret = made
    report(find(secret))
    token_for(client, client.secrets.get())
    for after, tokens in ((grace - timedelta(minutes=1), 1), (grace + timedelta(seconds=1), 0)):
        leak_reports.end_tokens_after_grace(now=NOW + after)
        assert live(client) == tokens
    assert Entry.objects.filter(action="credential.tokens_invalidated").count() == 1
    tasks.end_tokens_after_grace()


# --- Mail -----------------------------------------------------------------------------------------------------------
def test_contacts_and_the_security_team_are_mailed_the_place(made: tuple[Client, str]) -> None:
    _client, secret = made
    report(find(secret))
    for kind, reader in ((Mail.Kind.LEAK_REVOKED, lotte()), (Mail.Kind.LEAK_REPORTED, noor())):
        [mail] = mails(kind, to=reader.email)
        assert outbox.deliver(mail_id=mail.pk, now=NOW)
        sent = django_mail.outbox[-1]
        text = sent.body + str(sent.alternatives[0][0])
        assert sent.to == [reader.email]
        assert text.count(PLACE.url) == 2
        assert "GitHub found it where it should not be" in " ".join(text.split())
        assert secret[4:] not in text
        assert "The Security team revoked" not in text


def test_a_hostile_place_is_shown_as_text(made: tuple[Client, str]) -> None:
    place = Place(url='https://x.example/"><img src=x>', source="<b>commit</b>")
    report(find(made[1], place=place))
    for mail in Mail.objects.all():
        text = render(mail, now=NOW)
        assert "<img" not in text.html
        assert "<b>commit" not in text.html


def test_the_mail_of_the_page_names_the_network_of_who_pasted_it(made: tuple[Client, str]) -> None:
    report(find(made[1], place=Place()), by=Actor(system=PAGE_REPORT, address="198.51.100.7"))
    text = " ".join(render(mails(Mail.Kind.LEAK_REVOKED)[0], now=NOW).body.split())
    assert "from the network 198.51.100.0/24" in text
    assert "Found at" not in text


def test_many_tokens_are_one_mail_and_an_hour_has_a_bound(made: tuple[Client, str]) -> None:
    """A thief of a secret could report token after token, to fill a mailbox."""
    client, _secret = made
    report(find(*(token_for(client) for _ in range(4))))
    [mail] = mails(Mail.Kind.LEAK_REVOKED)
    assert "With it ended 3 other tokens of this client." in " ".join(render(mail, now=NOW).body.split())
    for number in range(10):
        report(find(token_for(client)), now=NOW + timedelta(minutes=number + 1))
    assert len(mails(Mail.Kind.LEAK_REVOKED)) == leak_reports.MAX_TOKEN_MAILS_PER_HOUR
    assert len(entries()) == 14, "all of them end"
    assert live(client) == 0
    report(find(token_for(client)), now=NOW + timedelta(hours=2))
    assert len(mails(Mail.Kind.LEAK_REVOKED)) == leak_reports.MAX_TOKEN_MAILS_PER_HOUR + 1


def test_contacts_read_that_keydesk_ended_it(made: tuple[Client, str]) -> None:
    report(find(made[1]))
    facts = mails(Mail.Kind.LEAK_REVOKED)[0].facts
    assert "team" not in facts
    assert facts["by"] == "Keydesk"
    assert not re.search("kd[st]_", str(facts))


def test_a_suspended_client_s_secret_ends_too(made: tuple[Client, str]) -> None:
    Client.objects.update(status=Client.Status.SUSPENDED)
    report(find(made[1]))
    assert Secret.objects.get().ends_at == NOW
    assert SYSTEM.id == "system:test"
