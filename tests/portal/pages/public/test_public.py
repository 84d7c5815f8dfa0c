"""Pages open to everybody."""

import pytest
from django.urls import reverse

from tests.portal.support import browsers, staff
from tests.support import factories

pytestmark = pytest.mark.django_db
PAGES = ("public:landing", "public:request_client", "public:ask_link", "public:accessibility", "public:privacy")


@pytest.mark.parametrize("name", PAGES)
def test_a_public_page_opens_without_a_session(client, name) -> None:
    response = client.get(reverse(name))
    assert response.status_code == 200
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]


def test_the_front_page_has_our_own_token_address_in_its_sample(client) -> None:
    assert "http://testserver/oauth/v2/token" in client.get(reverse("public:landing")).content.decode()


def test_a_contact_who_is_signed_in_goes_on_to_their_clients() -> None:
    text = browsers.of(factories.lotte()).get(reverse("public:landing")).content.decode()
    assert "Open my clients" in text
    assert "Send me a link" not in text


def test_somebody_sent_here_from_a_page_of_theirs_is_told_why(client) -> None:
    text = client.get(reverse("contact:clients"), follow=True).content.decode()
    assert "You are not signed in, or no longer" in text


def test_who_signs_out_reads_it_once_above_the_title() -> None:
    lotte = browsers.of(factories.lotte())
    text = lotte.post(reverse("account:sign_out"), follow=True).content.decode()
    assert text.count("You are signed out.") == 1
    assert text.index("You are signed out.") < text.index("<h1")


def test_who_was_signed_out_already_can_sign_out(client) -> None:
    assert client.post(reverse("account:sign_out")).headers["Location"] == reverse("public:landing")
    lotte = browsers.of(factories.lotte())
    assert lotte.get(reverse("account:sign_out")).headers["Location"] == reverse("public:landing")
    assert lotte.get(reverse("contact:clients")).status_code == 200  # an address alone signs nobody out


def test_a_page_that_is_not_found_offers_a_mailed_link_to_those_who_sign_in_by_one(client) -> None:
    for browser in (client, browsers.of(factories.lotte())):
        assert "Get a new link by e-mail" in browser.get("/nowhere/").text


@pytest.mark.parametrize("person", [factories.noor, factories.ada, factories.elif_], ids=lambda made: made.__name__)
def test_a_page_that_is_not_found_offers_no_mailed_link_to_staff(person) -> None:
    answer = staff.signed_in(person()).get("/nowhere/")
    assert answer.status_code == 404
    assert "We cannot find this page" in answer.text
    assert "by e-mail" not in answer.text
