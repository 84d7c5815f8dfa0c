"""PROTOCOL C-43: the first use of a client from a new network is a notice, and a mail to who wants that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from audit.models import Entry
from clients.acts import networks
from clients.mail import targets
from clients.mail.rendering import render
from clients.models import Client, ClientNetwork, Mail, Notice
from tests.portal.support import browsers
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.factories import NOW, by, lotte
from tests.support.parallel import at_once
from tokens import tasks
from tokens.acts.uses import new_networks
from tokens.models import UsageDetail

pytestmark = pytest.mark.django_db

HOME, ELSEWHERE = "192.0.2.0/24", "198.51.100.0/24"
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def client() -> Client:
    """A client of a year ago, used from one network until yesterday."""
    made, _secret = factories.client(now=NOW - timedelta(days=365))
    Client.objects.filter(pk=made.pk).update(created_at=NOW - timedelta(days=365))
    for days in (100, 1):
        factories.used(made, at=NOW - timedelta(days=days))
    new_networks.sweep(now=NOW)
    made.refresh_from_db()
    return made


def use(client: Client, network: str = ELSEWHERE, credential: str = "secret:1") -> None:
    row = factories.used(client, credential, at=NOW)
    UsageDetail.objects.filter(client=client, day=row.day, credential=credential).update(network=network)


def test_what_was_used_for_long_is_no_news(client):
    assert not client.networks.asked().exists()
    assert client.networks.get().first_at == NOW - timedelta(days=100)


def test_a_new_network_is_asked_about_once(client):
    use(client)
    assert new_networks.sweep(now=LATER) == 1
    assert new_networks.sweep(now=LATER) == 0
    asked = client.networks.asked().get()
    assert (asked.network, asked.credential, asked.first_at) == (ELSEWHERE, "secret:1", NOW)
    page = browsers.of(lotte()).get(reverse("contact:client", args=[client.uid])).content.decode()
    assert f"First use from {ELSEWHERE}" in page
    assert not Mail.objects.filter(kind="new_network").exists()  # off at first


@pytest.mark.parametrize(
    ("network", "other", "wide"),
    [
        ("198.51.100.7", "198.51.100.8", ELSEWHERE),
        ("2001:db8:1:2::/64", "2001:db8:1:3::/64", "2001:db8:1::/48"),
    ],
    ids=["IPv4", "IPv6"],
)
def test_another_address_of_a_network_is_no_news(client, network, other, wide):
    """Counted by address, and asked about by /24 or /48."""
    use(client, network)
    assert new_networks.sweep(now=LATER) == 1
    assert client.networks.asked().get().network == wide
    use(client, other, "secret:2")
    assert new_networks.sweep(now=LATER) == 0
    new_networks.forget(now=LATER + timedelta(days=500), kept=timedelta(days=400))
    assert client.networks.filter(network=wide).exists()  # the counts have it


def test_a_young_client_is_asked_nothing(client):
    Client.objects.filter(pk=client.pk).update(created_at=NOW - timedelta(days=29))
    use(client)
    new_networks.sweep(now=LATER)
    assert not client.networks.asked().exists()


@pytest.mark.parametrize(("network", "credential"), [("other", "secret:1"), ("", "secret:1"), (ELSEWHERE, "")])
def test_what_is_no_network_and_who_did_not_authenticate_do_not_count(client, network, credential):
    use(client, network, credential)
    assert new_networks.sweep(now=LATER) == 0


def test_where_counting_has_just_begun_the_first_networks_are_no_news():
    made, _secret = factories.client()
    Client.objects.filter(pk=made.pk).update(created_at=NOW - timedelta(days=365))
    factories.used(made, at=NOW)
    assert new_networks.sweep(now=LATER) == 1
    assert not made.networks.asked().exists()


def test_a_client_that_was_never_used_before_is_asked(client):
    made, _secret = factories.client()
    Client.objects.filter(pk=made.pk).update(created_at=NOW - timedelta(days=31))
    use(made)
    new_networks.sweep(now=LATER)
    assert made.networks.asked().get().network == ELSEWHERE


def test_who_wants_that_is_mailed_with_a_link_to_the_question(client):
    browser = browsers.of(lotte())
    browser.post(reverse("contact:networks", args=[client.uid]), {"wanted": "on"})
    assert Entry.objects.get(action="client.network_mails_changed").changes == {"mail_new_networks": [False, True]}
    use(client)
    new_networks.sweep(now=LATER)
    mail = Mail.objects.get(kind="new_network")
    assert mail.to == lotte().email
    assert targets.of(mail) == reverse("contact:network", args=[client.uid, client.networks.asked().get().uid])
    assert ELSEWHERE in render(mail, now=LATER).body


def test_the_security_team_sees_a_network_that_no_contact_knows(client):
    use(client)
    new_networks.sweep(now=LATER)
    (asked,) = client.networks.asked()
    client.networks.update(first_at=datetime.now(UTC))
    page, noor = reverse("security:client", args=[client.uid]), signed_in(factories.noor())
    assert "No contact has answered whether it is theirs" in noor.get(page).text
    networks.answer(network=asked, was_us=False, by=factories.by(lotte()), now=LATER)
    assert "lotte@leiestroom.example&gt; says that it is not theirs" in noor.get(page).text
    networks.answer(network=asked, was_us=True, by=factories.by(lotte()), now=LATER)
    assert "New networks" not in noor.get(page).text


def test_yes_ends_the_question_and_no_says_what_to_do(client):
    use(client, credential=client.secrets.get().credential)
    new_networks.sweep(now=LATER)
    asked, browser = client.networks.asked().get(), browsers.of(lotte())
    url = reverse("contact:network", args=[client.uid, asked.uid])
    assert reverse("contact:regenerate_secret", args=[client.uid]) not in browser.get(url).content.decode()
    browser.post(url, {"was_us": "false"})
    assert reverse("contact:regenerate_secret", args=[client.uid]) in browser.get(url).content.decode()
    assert Mail.objects.filter(facts__action="client.network_denied").count() == 1
    assert Entry.objects.get(action="client.network_denied").changes["network"] == [None, ELSEWHERE]
    assert Notice.objects.get().kind == Notice.Kind.NETWORK_DENIED
    assert browser.post(url, {"was_us": "true"})["Location"] == reverse("contact:client", args=[client.uid])
    assert not client.networks.asked().exists()
    browser.post(url, {"was_us": "true"})
    assert Entry.objects.filter(action="client.network_confirmed").count() == 1


def test_contacts_see_where_each_credential_was_used_from(client):
    use(client)
    page = browsers.of(lotte()).get(reverse("contact:networks", args=[client.uid])).content.decode()
    assert HOME in page
    assert ELSEWHERE in page


def test_what_the_counts_forgot_is_forgotten(client):
    UsageDetail.objects.all().delete()
    new_networks.forget(now=NOW, kept=timedelta(days=90))
    assert not client.networks.exists()


@pytest.mark.django_db(transaction=True)
def test_of_several_sweeps_at_once_one_mails(client):
    networks.set_mails(contact=client.contacts.get(), wanted=True, by=by(lotte()))
    use(client)
    assert sum(at_once(4, lambda _number: new_networks.sweep(now=LATER))) == 1
    assert Mail.objects.filter(kind="new_network").count() == 1


def test_the_worker_sweeps(client):
    tasks.note_new_networks()
    assert ClientNetwork.objects.count() == 1
