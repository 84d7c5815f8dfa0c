"""The mails before a key, secret or trust ends: each once, until software has gone over to the next (PROTOCOL C-39)."""

from datetime import datetime, timedelta

import pytest
import time_machine
from django.urls import reverse
from icalendar import Calendar

from clients import expiry
from clients.acts.credentials import keys, trusts
from clients.mail import outbox, targets
from clients.mail.rendering import render
from clients.models import Client, Key, Mail, Secret, Trust, User
from tests.support.factories import NOW, by, client, lotte, trust
from tests.support.keys import certificate, public_key
from tokens.models import CredentialUse
from tokens.tasks import warn_of_expiry

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "wake_worker", lambda mail_id: None)


def ending(days: int = 12) -> tuple[Client, Key]:
    """A client whose only certificate ends soon."""
    made, _secret = client(contact=lotte())
    key = keys.add(client=made, key=certificate(), by=by(lotte()), now=NOW)
    Key.objects.filter(pk=key.pk).update(not_after=NOW + timedelta(days=days))
    key.refresh_from_db()
    return made, key


def successor(made: Client) -> Key:
    return keys.add(client=made, key=public_key(), by=by(lotte()), now=NOW)


def use(key: Key | Secret | Trust, at: datetime) -> None:
    CredentialUse.objects.update_or_create(
        credential=key.credential, client=key.client, defaults={"last_used_at": at, "uses": 1}
    )


def warn(now: datetime = NOW) -> list[Mail]:
    """The mails that this made."""
    before = set(Mail.objects.values_list("pk", flat=True))
    expiry.warn(now=now, last_uses=CredentialUse.objects.all().last_uses)
    return list(Mail.objects.filter(kind=Mail.Kind.CREDENTIAL_EXPIRES).exclude(pk__in=before))


def test_each_step_is_mailed_once():
    _made, key = ending(days=31)
    moments = [NOW + timedelta(hours=hours) for hours in range(0, 32 * 24, 12)]
    mailed = [(moment - NOW).days for moment in moments for _mail in warn(moment)]
    assert mailed == [1, 17, 24, 30]  # 30, 14, 7 and 1 days before
    key.refresh_from_db()
    assert key.warned_at == NOW + timedelta(days=30)


def test_a_new_key_that_nothing_uses_ends_no_warning():
    made, key = ending()
    use(key, NOW)
    successor(made)
    (mail,) = warn()
    body = " ".join(render(mail, now=NOW).body.split())
    assert "You have added a newer key, but no software has used it yet." in body
    assert "Add the next key now" not in body


def test_warnings_end_when_the_new_key_is_used_and_the_old_is_quiet():
    made, key = ending()
    use(key, NOW - timedelta(days=7))
    use(successor(made), NOW)
    assert not warn()


def test_software_still_signing_with_the_old_key_is_named_with_the_time():
    made, key = ending()
    use(key, NOW - timedelta(hours=1))
    use(successor(made), NOW)
    (mail,) = warn()
    body = " ".join(render(mail, now=NOW).body.split())
    assert "software still signed with this one on 24 November 2026, 09:30" in body
    assert "If that was before you switched, you do not have to do anything." in body


def test_a_key_that_ends_no_later_is_no_successor():
    made, _key = ending(days=12)
    other = keys.add(client=made, key=certificate(), by=by(lotte()), now=NOW)
    Key.objects.filter(pk=other.pk).update(not_after=NOW + timedelta(days=12))
    use(other, NOW)
    assert len(warn()) == 2


def test_the_worker_knows_what_is_used(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    made, key = ending()
    use(key, NOW - timedelta(days=9))
    use(successor(made), NOW)
    Mail.objects.all().delete()
    warn_of_expiry()
    assert not Mail.objects.exists()
    CredentialUse.objects.all().delete()
    warn_of_expiry()
    assert Mail.objects.get().kind == Mail.Kind.CREDENTIAL_EXPIRES


TWO_YEARS = timedelta(days=730)


def mailed_days(since: datetime) -> list[int]:
    """Run the beat task every twelve hours of the last month, by the clock; return the days on which it mailed."""
    days = []
    for hours in range(0, 32 * 24, 12):
        with time_machine.travel(since + timedelta(hours=hours), tick=False):
            before = Mail.objects.count()
            warn_of_expiry()
            days += [hours // 24] * (Mail.objects.count() - before)
    return days


def test_a_secret_and_a_bare_key_are_warned_of_by_the_clock():
    made, _secret = client(contact=lotte())
    assert mailed_days(NOW + TWO_YEARS - timedelta(days=31)) == [1, 17, 24, 30]
    successor(made)
    Mail.objects.all().delete()
    Secret.objects.update(expires_at=None)
    assert mailed_days(NOW + TWO_YEARS - timedelta(days=31)) == [1, 17, 24, 30]
    assert set(Mail.objects.values_list("facts__kid", flat=True)) == {made.keys.get().kid}


def test_a_secrets_mail_asks_for_a_key_or_a_new_secret():
    client(contact=lotte())
    (mail,) = warn(NOW + TWO_YEARS - timedelta(days=7))
    text = render(mail, now=NOW)
    body = " ".join(text.body.split())
    assert "before 23 November 2028" in text.subject
    assert "The client secret of" in body
    assert "Add a key, which is safer, or make a new secret." in body


def test_a_secret_is_not_warned_of_once_a_key_is_used_and_it_is_quiet():
    made, _secret = client(contact=lotte())
    secret, key = made.secrets.get(), successor(made)
    Key.objects.filter(pk=key.pk).update(expires_at=None)
    then = NOW + TWO_YEARS - timedelta(days=7)
    use(key, then)
    use(secret, then - timedelta(days=1))
    assert len(warn(then)) == 1
    Secret.objects.update(warned_at=None)
    use(secret, then - timedelta(days=8))
    assert not warn(then)


def test_secrets_that_are_turned_off_are_not_warned_of():
    made, _secret = client(contact=lotte())
    Client.objects.filter(pk=made.pk).update(secret_allowed=False)
    assert not warn(NOW + TWO_YEARS - timedelta(days=1))


def trusting(now: datetime = NOW) -> tuple[Client, Trust]:
    """A client with a trust that ends in seven days, and a secret without an end."""
    made, _secret = client(contact=lotte())
    Secret.objects.update(expires_at=None)
    row = trust(made)
    row.expires_at = now + timedelta(days=7)
    row.save()
    return made, row


def test_a_trust_is_warned_of_by_the_clock_until_it_is_extended():
    _made, row = trusting()
    assert mailed_days(row.expires_at - timedelta(days=31)) == [1, 17, 24, 30]
    with time_machine.travel(row.expires_at - timedelta(hours=3), tick=False):
        trusts.extend(trust=row, by=by(lotte()), now=row.expires_at - timedelta(hours=3))
        Mail.objects.all().delete()
        warn_of_expiry()
        assert not Mail.objects.exists()
    row.refresh_from_db()
    assert mailed_days(row.expires_at - timedelta(days=31)) == [1, 17, 24, 30]


def test_a_trusts_mail_leads_to_the_button_that_extends_it():
    made, row = trusting()
    use(row, NOW - timedelta(days=1))
    (mail,) = warn()
    text = render(mail, now=NOW)
    body = " ".join(text.body.split())
    assert text.subject == f"Extend a trust of {made.name} before 1 December 2026"
    assert "Extend it on the page of the client. Nothing changes in your software:" in body
    for part in (body, text.html):
        assert "Example: deploy" in part
        assert "Last used on 23 November 2026, 10:30." in part
    assert targets.of(mail) == reverse("contact:credentials", args=[made.uid])


def test_a_trust_that_another_way_has_replaced_is_not_warned_of():
    made, row = trusting()
    row.claims = {"project_id": "19"}
    row.save()
    other = trust(made)
    use(other, NOW)
    use(row, NOW - timedelta(days=8))
    assert not warn()
    use(row, NOW - timedelta(days=1))
    assert "Another key or trust of this client is in use" in " ".join(render(warn()[0], now=NOW).body.split())


@pytest.mark.parametrize("language", ["en", "nl"])
def test_the_mail_brings_the_end_for_the_readers_calendar(inbox, language):
    made, key = ending()
    User.objects.update(language=language)
    (mail,) = warn()
    assert outbox.deliver(mail_id=mail.pk, now=NOW)
    (sent,) = inbox.messages
    (file,) = sent.iter_attachments()
    assert (file.get_filename(), file.get_content_type()) == ("end.ics", "text/calendar")
    assert file.get_param("method") == "PUBLISH"
    read = Calendar.from_ical(file.get_payload(decode=True))
    (event,) = read.events
    assert read["method"] == "PUBLISH"
    assert event.start == key.end_at.replace(microsecond=0)
    assert event["uid"] == f"{key.uid}@testserver"
    assert ("a key stops working" in event["summary"]) == (language == "en")
    assert event["summary"].startswith(made.name)


def test_a_mail_that_an_older_version_queued_goes_without_a_file(inbox):
    ending()
    (mail,) = warn()
    del mail.facts["uid"]
    mail.save()
    assert outbox.deliver(mail_id=mail.pk, now=NOW)
    assert not list(inbox.messages[0].iter_attachments())
