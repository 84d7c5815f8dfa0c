"""The contact's home: is everything all right, at a glance."""

from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.test import Client as Browser
from django.urls import reverse
from django.utils.html import strip_tags

from clients.acts import client_requests, review
from clients.acts.credentials import keys
from clients.models import Client, Key, Secret
from portal.ui.dates import day, moment
from tests.portal.support import browsers
from tests.support import factories
from tests.support.keys import certificate, public_key
from tokens.models import CredentialUse, UsageDay

pytestmark = pytest.mark.django_db


def home(query: str = "") -> str:
    return browsers.of(factories.lotte()).get(reverse("contact:clients") + query).content.decode()


def plain(markup: str) -> str:
    return " ".join(unescape(strip_tags(markup)).split())


def row_of(client: Client) -> str:
    """The text of its row."""
    return plain(home().partition(f'id="{client.uid}"')[2].partition(">")[2].partition("</li>")[0])


def used(client: Client, at: datetime) -> None:
    """A token with its secret."""
    CredentialUse.objects.create(credential=client.secrets.get().credential, client=client, last_used_at=at, uses=1)


def test_a_contact_sees_their_clients_and_nobody_elses() -> None:
    mine, _secret = factories.client()
    other, _secret = factories.client(contact=factories.wim())
    text = home()
    assert mine.client_id in text
    assert other.client_id not in text


def test_a_visitor_is_sent_to_the_front_page() -> None:
    assert Browser().get(reverse("contact:clients")).headers["Location"].startswith(reverse("public:landing"))


def test_a_certificate_that_ends_soon_comes_first_with_its_date() -> None:
    now = datetime.now(UTC)
    unused, _secret = factories.client()
    ending, _secret = factories.client()
    key = keys.add(client=ending, key=certificate(), by=factories.by(factories.lotte()), now=now)
    Key.objects.filter(pk=key.pk).update(not_after=now + timedelta(days=12))
    row = row_of(ending)
    assert "Expires in 12 days no successor yet" in row
    assert row.endswith("Add the next key: " + ending.name)
    text = home()
    assert text.index(f'id="{ending.uid}"') < text.index(f'id="{unused.uid}"')


def test_a_successor_ends_the_warning() -> None:
    now = datetime.now(UTC)
    ending, _secret = factories.client()
    by = factories.by(factories.lotte())
    key = keys.add(client=ending, key=certificate(), by=by, now=now)
    Key.objects.filter(pk=key.pk).update(not_after=now + timedelta(days=12))
    keys.add(client=ending, key=public_key(), by=by, now=now)
    assert "Add the next key" not in home()


def test_a_client_without_a_working_credential_cannot_authenticate() -> None:
    made, _secret = factories.client()
    made.secrets.update(ends_at=datetime.now(UTC))
    row = row_of(made)
    assert "Cannot authenticate" in row
    assert "Nothing works" in row
    assert row.endswith("See the credentials: " + made.name)


def test_refused_requests_lead_to_the_journal() -> None:
    made, _secret = factories.client()
    now = datetime.now(UTC)
    for rule in ("audience", "audience", "kid"):
        factories.refused(made, rule, at=now)
    assert "No token yet 3 refused in 24 hours" in row_of(made)
    used(made, now - timedelta(hours=2))
    row = row_of(made)
    assert f"No tokens since {moment(now - timedelta(hours=2))} 3 refused in 24 hours" in row
    assert row.endswith("See the fix: " + made.name)
    assert f"{reverse('contact:failures')}?client={made.uid}" in home()
    CredentialUse.objects.update(last_used_at=now + timedelta(minutes=1))
    assert "No tokens since" not in row_of(made), "tokens came after the last refusal"
    assert "3 refused in 24 hours" in row_of(made)


def test_a_client_that_never_got_a_token_is_led_to_the_first_one() -> None:
    made, _secret = factories.client()
    text = home()
    assert "Nothing needs you" not in text
    assert "Waiting for its first token" in row_of(made)
    assert f'href="{reverse("contact:first_token", args=[made.uid])}"' in text


def test_when_nothing_needs_its_reader_the_page_says_so_first_with_the_next_end() -> None:
    made, _secret = factories.client()
    now = datetime.now(UTC)
    used(made, now)
    Secret.objects.update(expires_at=now + timedelta(days=90))
    text = home()
    assert "Nothing needs you" in text
    assert f"The next end is on {day(now + timedelta(days=90))}." in text
    assert "Run by themselves" in text
    factories.refused(made, at=now)
    assert "Nothing needs you" not in home()


def test_the_row_has_the_end_that_comes_first_and_an_open_one_is_drawn_open() -> None:
    made, _secret = factories.client()
    now, by = datetime.now(UTC), factories.by(factories.lotte())
    Secret.objects.update(expires_at=None)
    assert "No end date" in row_of(made)
    assert 'class="kd-line-left--open"' in home()
    later = keys.add(client=made, key=public_key(), by=by, now=now)
    keys.retire(key=later, overlap=timedelta(days=7), by=by, now=now)
    row = row_of(made)
    assert f"{day(now + timedelta(days=7))}, in 7 days" in row
    assert later.title in row


def test_tokens_and_refusals_of_two_weeks_are_drawn() -> None:
    made, _secret = factories.client()
    today = datetime.now(UTC).date()
    for issued, refused, ago in ((0, 4, 0), (31, 0, 0), (900, 0, 20)):
        UsageDay.objects.create(
            client=made, day=today - timedelta(days=ago), credential=f"key:{issued}", issued=issued, refused=refused
        )
    assert 'aria-label="14 days: 31 tokens issued, 4 requests refused."' in home()


def test_the_filters_say_how_many_they_have_and_keep_only_those() -> None:
    now = datetime.now(UTC)
    failing, ending, fine = (factories.client()[0] for _each in range(3))
    for each in (failing, ending, fine):
        used(each, now)
    factories.refused(failing, at=now)
    ending.secrets.update(expires_at=now + timedelta(days=9))
    text = plain(home())
    for words in ("All 3", "Failing 1", "Ends within 30 days 1", "Replacing 0", "Renews itself 0"):
        assert words in text
    for query, there in (
        ("?show=failing", {failing}), ("?show=ends", {ending}), ("?q=" + fine.client_id, {fine}),
        (f"?show=ends&q={fine.client_id}", set()),
    ):  # fmt: skip
        page = home(query)
        assert {each for each in (failing, ending, fine) if f'id="{each.uid}"' in page} == there, query
        assert ("No client of yours fits this." in page) == (not there)
    assert browsers.of(factories.lotte()).get(reverse("contact:clients") + "?show=odd").status_code == 422


def test_a_search_finds_requests_by_name_and_a_filter_of_clients_hides_them() -> None:
    lotte = factories.lotte()
    for _each in range(2):
        used(factories.client()[0], datetime.now(UTC))
    asked = factories.submitted_request(
        datetime.now(UTC), client_name="Waterkaart", contact_name=lotte.name, contact_email=lotte.email
    )
    for query, is_there in (("", True), ("?q=waterk", True), (f"?q={asked.number}", True), ("?q=zzz", False)):
        assert ("Waterkaart" in home(query)) == is_there, query
    assert "Waterkaart" not in home("?show=failing")


def test_more_than_thirty_clients_have_pages_that_keep_the_filter() -> None:
    made = [factories.client()[0] for _each in range(32)]
    pages = [home(query) for query in ("", "?page=2")]
    assert [sum(f'id="{each.uid}"' in page for each in made) for page in pages] == [30, 2]
    assert "1 to 30 of 32" in plain(pages[0])
    assert 'href="?page=2"' in pages[0]
    for each in made:
        factories.refused(each, at=datetime.now(UTC))
    assert 'href="?page=2&amp;show=failing"' in home("?show=failing")
    assert "31 to 32 of 32" in plain(home("?page=99")), "the last one for a page that is not there"


def test_a_reader_with_one_client_sees_all_that_it_asks_for_and_no_filters() -> None:
    made, _secret = factories.client()
    now = datetime.now(UTC)
    used(made, now)
    factories.refused(made, at=now)
    made.secrets.update(expires_at=now + timedelta(days=9))
    text = home()
    only = plain(text.partition('id="only"')[2])
    assert "1 request refused in 24 hours" in only
    assert "The secret expires in 9 days" in only
    assert f'class="govuk-button" href="{reverse("contact:client", args=[made.uid])}"' in text
    assert "Ends within 30 days" not in text
    factories.client()
    assert 'id="only"' not in home()


def test_a_question_of_the_security_team_is_the_first_thing() -> None:
    made, _secret = factories.client()
    by, now = factories.by(factories.lotte()), datetime.now(UTC)
    asked = client_requests.propose_change(client=made, content=factories.content(), by=by, now=now)
    assert "Follow the request" in home()
    noor = factories.by(factories.noor())
    review.request_changes(registration=asked, message="Why?", seen=asked.content_hash, by=noor, now=now)
    text = home()
    assert text.index("Read it and answer") < text.index(f'id="{made.uid}"')


def test_the_last_use_is_shown() -> None:
    made, _secret = factories.client()
    now = datetime.now(UTC)
    secret = made.secrets.get()
    CredentialUse.objects.create(credential=secret.credential, client=made, last_used_at=now, uses=5)
    text = home()
    assert "just now" in text
    assert "Active" in text


def test_a_name_cannot_bring_markup_into_the_page() -> None:
    made, _secret = factories.client()
    type(made).objects.filter(pk=made.pk).update(name="<script>alert(1)</script>")
    assert "<script>alert(1)</script>" not in home()


def test_the_page_asks_the_database_as_often_for_ten_clients_as_for_one() -> None:
    browser = browsers.of(factories.lotte())
    factories.client()
    for_one = browsers.queries(browser, reverse("contact:clients"))
    for _more in range(9):
        factories.client()
    assert browsers.queries(browser, reverse("contact:clients")) == for_one


def test_who_has_no_client_is_asked_for_the_first_one_once() -> None:
    new = factories.wim()
    for path in (reverse("contact:clients"), reverse("contact:requests")):
        page = browsers.of(new).get(path).content.decode()
        assert page.count("Request a client") == 1
        assert "Request another client" not in page
