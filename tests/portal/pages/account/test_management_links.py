"""The management link (docs/security.md, management link and sessions)."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from clients.access import management_links
from clients.acts.people import contacts, staff
from clients.mail.rendering import render
from clients.models import Mail, ManagementLink, User
from tests.support import factories

pytestmark = pytest.mark.django_db


def link_of(user: User, now) -> str:
    link = management_links.issue(user=user, now=now, invitation=user.is_staff_member)
    management_links.activate(link)
    return management_links.token(link)


@pytest.fixture
def real_now():
    """Pages read the clock themselves."""
    return datetime.now(UTC)


def test_following_a_link_changes_nothing_however_often(client, real_now) -> None:
    url = reverse("public:open_link", args=[link_of(factories.lotte(), real_now)])
    before = ManagementLink.objects.values().get()
    for _visit in range(3):
        assert client.get(url).status_code == 200
        assert client.head(url).status_code == 200
    assert ManagementLink.objects.values().get() == before
    assert "_auth_user_id" not in client.session


def test_the_button_signs_in_with_a_new_session_and_a_clean_address(client, real_now) -> None:
    url = reverse("public:open_link", args=[link_of(factories.lotte(), real_now)])
    client.get(reverse("public:request_client"))
    before = client.session.session_key
    response = client.post(url)
    assert response.headers["Location"] == reverse("contact:clients")
    assert client.session.session_key != before
    assert client.get(reverse("contact:clients")).status_code == 200


def test_a_link_works_once(client, real_now) -> None:
    url = reverse("public:open_link", args=[link_of(factories.lotte(), real_now)])
    client.post(url)
    assert Client().post(url).status_code == 404


def test_who_opens_their_used_link_again_is_still_in(client, real_now) -> None:
    url = reverse("public:open_link", args=[link_of(factories.lotte(), real_now)])
    client.post(url)
    assert client.get(url).headers["Location"] == reverse("contact:clients")
    assert client.post(url).headers["Location"] == reverse("contact:clients")
    link_of_wim = reverse("public:open_link", args=[link_of(factories.wim(), real_now)])
    Client().post(link_of_wim)
    assert client.get(link_of_wim).status_code == 404


def test_a_link_of_somebody_else_ends_the_session_before_it(client, real_now) -> None:
    client.post(reverse("public:open_link", args=[link_of(factories.lotte(), real_now)]))
    session = client.session
    session["stepped_up_at"] = real_now.timestamp()
    session.save()
    client.post(reverse("public:open_link", args=[link_of(factories.wim(), real_now)]))
    assert client.session["_auth_user_id"] == str(factories.wim().pk)
    assert "stepped_up_at" not in client.session


def test_every_unusable_link_gets_the_same_page(client, real_now) -> None:
    lotte = factories.lotte()
    used = link_of(lotte, real_now)
    client.post(reverse("public:open_link", args=[used]))
    superseded = link_of(lotte, real_now)
    good = link_of(lotte, real_now)
    expired = link_of(factories.wim(), real_now - timedelta(hours=73))
    altered = ("A" if good[0] != "A" else "B") + good[1:]
    bodies = set()
    for token in (used, superseded, expired, altered, good[:-1], "x", "../..", good.lower()):
        for method in ("get", "post"):
            response = getattr(Client(), method)(reverse("public:open_link", args=["t"]).replace("/t/", f"/{token}/"))
            if token == "../..":
                continue  # no address of ours at all
            assert response.status_code == 404, token
            body = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", response.content.decode())
            assert token == "x" or token not in body
            bodies.add(body)
    assert len(bodies) == 1


@pytest.mark.parametrize("state", ["used", "expired", "replaced"])
def test_a_link_that_is_over_is_renewed_in_one_step(client, real_now, state) -> None:
    lotte = factories.lotte()
    token = link_of(lotte, real_now - timedelta(hours=73 if state == "expired" else 1))
    url = reverse("public:open_link", args=[token])
    if state == "used":
        client.post(url)
    if state == "replaced":
        link_of(lotte, real_now)
    page = Client().post(url, {"renew": "1"}, follow=True).content.decode()
    assert "on its way to the address that the old one was mailed to" in page
    assert lotte.email not in page
    assert [mail.to for mail in Mail.objects.filter(kind=Mail.Kind.LINK)] == [lotte.email]


def test_renewing_a_link_that_never_was_says_the_same_and_mails_nobody(client, real_now) -> None:
    known = reverse("public:open_link", args=[link_of(factories.lotte(), real_now)])
    answers = {
        re.sub(r'value="[^"]*"', "", client.post(url, {"renew": "1"}, follow=True).content.decode())
        for url in (known, reverse("public:open_link", args=["x" * 43]))
    }
    assert len(answers) == 1
    assert Mail.objects.count() == 1


def test_asking_for_a_link_says_the_same_for_known_and_unknown_addresses(client) -> None:
    factories.lotte()
    answers = [
        client.post(reverse("public:ask_link"), {"email": email}, follow=True).content.decode().replace(email, "")
        for email in ("lotte@leiestroom.example", "nobody@leiestroom.example")
    ]
    answers = [re.sub(r'value="[^"]*"', "", answer) for answer in answers]
    assert answers[0] == answers[1]
    assert [mail.to for mail in Mail.objects.all()] == ["lotte@leiestroom.example"]


def test_who_gets_no_mail_reads_how_many_links_an_hour_there_are(client) -> None:
    text = client.post(reverse("public:ask_link"), {"email": "lotte@leiestroom.example"}, follow=True).content.decode()
    assert f"at most {contacts.LINKS_PER_HOUR} links an hour" in text


def test_an_address_that_is_none_is_told_so(client) -> None:
    response = client.post(reverse("public:ask_link"), {"email": "lotte"})
    assert response.status_code == 422
    assert "Enter an e-mail address like" in response.content.decode()


def test_an_invited_staff_member_sets_up_a_second_factor_first(client, real_now) -> None:
    noor = staff.invite_staff(
        email="noor@keydesk.example", name="Noor", role=User.Role.SECURITY, by=factories.SYSTEM, now=real_now
    )
    link = noor.links.get()
    management_links.activate(link)
    response = client.post(reverse("public:open_link", args=[management_links.token(link)]))
    assert response.headers["Location"] == reverse("account:setup")
    assert client.get(reverse("account:setup")).status_code == 200
    assert client.get(reverse("contact:clients")).headers["Location"] == reverse("account:setup")


def test_staff_are_not_sent_to_a_page_that_mails_them_nothing(client, real_now) -> None:
    """The page is the same for everybody, so it says so to everybody."""
    link = management_links.issue(user=factories.noor(), now=real_now, invitation=True)
    management_links.activate(link)
    management_links.revoke_all(user=factories.noor(), now=real_now)
    url = reverse("public:open_link", args=[management_links.token(link)])
    assert "ask the colleague who invited you to do it again" in client.get(url).content.decode()
    assert (
        "ask the colleague who invited you to do it again"
        in client.post(url, {"renew": "1"}, follow=True).content.decode()
    )
    mail = Mail(kind=Mail.Kind.STAFF_INVITATION, to="x@y.example", user=factories.noor(), link=link)
    text = render(mail, now=real_now, link_url=management_links.url(link))
    for part in (text.body, text.html):
        assert "ask a colleague who runs Keydesk to invite you again" in " ".join(part.split())
        assert "/link/" not in part
