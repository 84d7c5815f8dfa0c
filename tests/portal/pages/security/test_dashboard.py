"""The Security team's start, and the mail that could not be delivered."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.models import Entry
from clients import keymaterial
from clients.acts.credentials import keys as key_acts
from clients.acts.people import contacts
from clients.mail import outbox
from clients.models import Mail, Secret, Trust, User
from portal.tasks import remember_dashboard
from portal.ui.dates import moment
from tests.portal.support.staff import signed_in
from tests.support import factories, keys
from tokens.models import UsageDay

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    cache.clear()


def dashboard():
    return signed_in(factories.noor()).get(reverse("security:dashboard"))


def failed_mail(now) -> Mail:
    return Mail.objects.create(
        kind=Mail.Kind.LINK, to="gone@leiestroom.example", state=Mail.State.FAILED, attempts=14, created_at=now,
        next_attempt_at=now, last_error="550 no such user",
    )  # fmt: skip


def certificate(days: int, now: datetime):
    (key,) = keymaterial.read(keys.certificate_pem(days=days, now=now), now=now)
    return key


def test_it_counts_what_waits_and_how_clients_sign_in() -> None:
    now = datetime.now(UTC)
    factories.submitted_request(now)
    failed_mail(now)
    client, _secret = factories.client()
    factories.client()
    key_acts.add(client=client, key=certificate(365, now), by=factories.SYSTEM, now=now)
    context = dashboard().context
    assert (context["waiting"], context["undelivered"], context["clients"]) == (1, 1, 2)
    assert {row["label"]: row["count"] for row in context["methods"]} == {
        "Key only": 0, "Key, and a secret too": 1, "Secret only": 1, "Nothing that works": 0,
    }  # fmt: skip
    assert [(row["label"], row["count"]) for row in context["algorithms"]] == [("EC P-256", 1)]
    assert context["sha1_kids"] == 1
    by_sha1 = {"label": "SHA-1", "count": 1, "url": context["sha1_url"]}
    for row in (*context["methods"], *context["algorithms"], by_sha1):
        listed = signed_in(factories.noor()).get(row["url"]).context["rows"]
        assert len(listed) == row["count"], row["label"]


@pytest.mark.parametrize(
    "words", ["1 client has a secret that is older than a year.", "1 client has no owner whom mail reaches."]
)
def test_old_secrets_and_owners_out_of_reach_lead_to_their_clients(words) -> None:
    client, _secret = factories.client()
    factories.client(contact=factories.wim())
    client.secrets.update(created_at=datetime.now(UTC) - timedelta(days=366))
    User.objects.filter(pk=factories.lotte().pk).update(unreachable_since=datetime.now(UTC))
    (url,) = re.findall(rf'href="([^"]+)">\s*{re.escape(words)}', dashboard().text)
    listed = signed_in(factories.noor()).get(html.unescape(url)).context["rows"]
    assert [row.client for row in listed] == [client]


def test_what_must_be_done_first_stands_first() -> None:
    """A late request, then a key that stops before a request is due, then a proposal that lapses last."""
    now = datetime.now(UTC)
    late = factories.submitted_request(now - timedelta(days=40))
    fresh = factories.submitted_request(now)
    client, _secret = factories.client()
    key_acts.add(client=client, key=certificate(1, now), by=factories.SYSTEM, now=now)
    key_acts.add(client=client, key=certificate(9, now), by=factories.SYSTEM, now=now)
    factories.submitted_request(now - timedelta(days=50), contact_email=factories.noor().email)
    found = dashboard().context["needs"]
    assert [(need.kind, need.is_late) for need in found] == [("request", True), ("key", False), ("request", False)]
    assert [need.thing for need in found if need.kind == "request"] == [late, fresh], "and not her own"
    assert found == sorted(found, key=lambda need: need.by)


def test_a_proposal_and_failed_mail_need_a_person() -> None:
    now = datetime.now(UTC)
    client, _secret = factories.client()
    proposal = factories.proposed_contact(client)
    failed_mail(now)
    browser = signed_in(factories.bram())
    found = browser.get(reverse("security:dashboard")).context["needs"]
    assert [need.kind for need in found] == ["mail", "proposal"]
    assert reverse("security:proposal", args=[proposal.uid]) in browser.get(reverse("security:dashboard")).text
    assert "proposal" not in [need.kind for need in dashboard().context["needs"]], "Noor proposed it"


def test_a_member_takes_a_request_from_the_dashboard_and_the_others_read_who() -> None:
    asked = factories.submitted_request(datetime.now(UTC))
    browser, claim = signed_in(factories.noor()), reverse("security:claim", args=[asked.uid])
    assert "I have this one" in browser.get(reverse("security:dashboard")).text
    answer = browser.post(claim, {"claim": "take:", "back": "dashboard"}, follow=True)
    assert answer.redirect_chain == [(reverse("security:dashboard"), 302)]
    assert "You have it" in answer.text
    theirs = signed_in(factories.bram()).get(reverse("security:dashboard")).text
    assert f"{factories.noor()} has it" in theirs
    assert "I have this one" not in theirs


def test_the_list_ends_after_seven() -> None:
    now = datetime.now(UTC)
    for number in range(9):
        factories.submitted_request(now - timedelta(hours=number), contact_email=f"asker{number}@rekenhuis.example")
    assert len(dashboard().context["needs"]) == 7


def test_it_shows_which_keys_end_soon() -> None:
    now = datetime.now(UTC)
    client, _secret = factories.client()
    soon = certificate(9, now)
    key_acts.add(client=client, key=soon, by=factories.SYSTEM, now=now)
    response = dashboard()
    assert response.context["ending"] == 1
    assert soon.kid in response.content.decode()
    words = re.search(r"Expires in \d+ days?", response.content.decode())[0]
    assert words in signed_in(factories.noor()).get(reverse("security:client", args=[client.uid])).content.decode()


def test_it_shows_secrets_and_trusts_that_end_soon_too() -> None:
    now = datetime.now(UTC)
    client, _secret = factories.client()
    Secret.objects.filter(client=client).update(expires_at=now + timedelta(days=5))
    trust = factories.trust(client)
    Trust.objects.filter(pk=trust.pk).update(expires_at=now + timedelta(days=7))
    key_acts.add(client=client, key=certificate(9, now), by=factories.SYSTEM, now=now)
    context = dashboard().context
    assert [(row.what.split(",")[0], row.client) for row in context["expiring"]] == [
        ("Secret", client), ("Trust", client), ("Certificate", client)
    ]  # fmt: skip
    assert context["ending"] == 3
    assert trust.issuer.name in dashboard().text


def test_the_chart_has_a_table_behind_it() -> None:
    client, _secret = factories.client()
    today = datetime.now(UTC).date()
    UsageDay.objects.create(client=client, day=today, credential="secret:1", issued=1234, refused=0)
    UsageDay.objects.create(client=client, day=today - timedelta(days=1), credential="", issued=0, refused=56)
    text = dashboard().content.decode()
    assert "1,234" in text
    assert "Show as a table" in text
    assert "4.3 % of the token requests were refused" in text


def test_more_clients_take_no_more_queries() -> None:
    browser, counts, now = signed_in(factories.noor()), [], datetime.now(UTC)
    for more in (1, 9):
        for _number in range(more):
            client, _secret = factories.client()
            key_acts.add(client=client, key=certificate(9, now), by=factories.SYSTEM, now=now)
        cache.clear()
        browser.get(reverse("security:dashboard"))
        cache.clear()
        with CaptureQueriesContext(connection) as queries:
            browser.get(reverse("security:dashboard"))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_an_undelivered_mail_is_shown_and_tried_again_once(now) -> None:
    mail = failed_mail(now)
    browser = signed_in(factories.noor())
    text = browser.get(reverse("security:failed_mail")).content.decode()
    assert "550 no such user" in text
    browser.post(reverse("security:retry_mail", args=[mail.pk]), {"reason": "Case 4711"})
    mail.refresh_from_db()
    assert (mail.state, mail.attempts) == (Mail.State.PENDING, 0)
    assert Entry.objects.first().action == "mail.retried"
    again = browser.post(
        reverse("security:retry_mail", args=[mail.pk]), {"reason": "Case 4711"}, follow=True
    ).content.decode()
    assert "waits to be sent already" in again
    assert Entry.objects.filter(action="mail.retried").count() == 1


def test_an_undelivered_link_leads_to_the_clients_of_who_does_not_get_it(now) -> None:
    """The page says to open the client and add another contact; of a link it named no client."""
    contact = factories.person("lotte+keys@leiestroom.example", "Lotte")
    client, _secret = factories.client(contact=contact)
    contacts.mail_fresh_link(email=contact.email, by=factories.SYSTEM, now=now)
    Mail.objects.filter(kind=Mail.Kind.LINK).update(state=Mail.State.FAILED)
    browser = signed_in(factories.noor())
    address = re.search(r'href="([^"]+[?]q=[^"]+)"', browser.get(reverse("security:failed_mail")).text)[1]
    assert client.name in browser.get(address).text


@pytest.mark.parametrize("person", [factories.lotte, factories.ada])
def test_both_are_for_the_security_team(person, now) -> None:
    browser = signed_in(person())
    assert browser.get(reverse("security:dashboard")).status_code == 404
    assert browser.get(reverse("security:failed_mail")).status_code == 404
    assert browser.post(reverse("security:retry_mail", args=[failed_mail(now).pk])).status_code == 404


def test_the_worker_counts_so_that_no_visitor_waits_for_it() -> None:
    factories.client()
    remember_dashboard()
    factories.client()
    assert dashboard().context["clients"] == 1  # as the worker counted
    remember_dashboard()
    assert dashboard().context["clients"] == 2


def test_the_clients_that_are_refused_most_lead_to_their_refusals(now) -> None:
    some, _secret = factories.client()
    more, _secret = factories.client()
    today = datetime.now(UTC).date()
    for client, refused in ((some, 3), (more, 1_201)):
        UsageDay.objects.create(client=client, day=today, credential="", issued=7, refused=refused)
    page = dashboard()
    assert [row["name"] for row in page.context["refused_most"]] == [more.name, some.name]
    assert reverse("security:client_failures", args=[more.uid]) in page.text
    assert "1,201" in page.text


@pytest.mark.parametrize("name", ["security:create_api", "security:create_scope", "security:scopes"])
def test_the_pages_of_an_api_belong_to_the_catalogue_in_the_navigation(name) -> None:
    page = signed_in(factories.noor()).get(reverse(name)).text
    current = re.search(r'href="([^"]+)" aria-current="page"', page)
    assert current
    assert current[1] == reverse("security:scopes")


def test_mail_is_called_accepted_not_delivered_and_waiting_is_counted(now) -> None:
    browser, url = signed_in(factories.noor()), reverse("security:failed_mail")
    text = browser.get(url).content.decode()
    assert "delivered</h" not in text
    assert "No mail waits: the mail server accepted all others" in text
    assert "Neither BOUNCE_IMAP_URL nor BOUNCE_TOKEN is set" in text
    for hours in (3, 1):
        outbox.queue(kind=Mail.Kind.LINK, to="x@example.org", now=now - timedelta(hours=hours))
    # A mail that collects harmless acts is not late.
    Mail.objects.create(kind=Mail.Kind.BUNDLED_CHANGES, to="x@example.org", created_at=now - timedelta(hours=9),
                        next_attempt_at=datetime.now(UTC) + timedelta(minutes=5))  # fmt: skip
    text = browser.get(url).content.decode()
    assert "2 mails wait for the mail server" in text
    assert f"The oldest since {moment(now - timedelta(hours=3))}" in text
