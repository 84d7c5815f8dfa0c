"""The page of one client, its client id, its history and its contacts' roles."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import translation

from audit.actions import Action
from audit.models import Entry
from clients.acts import client_requests, lifecycle, proposals, review
from clients.acts.credentials import client_secrets, keys
from clients.acts.decision_record import Grounds
from clients.models import Client, Key, Proposal
from tests.portal.support import browsers
from tests.portal.support.html import without_breaks
from tests.support import factories
from tests.support.keys import certificate, public_key
from tokens.models import CredentialUse

pytestmark = pytest.mark.django_db


def page(browser, client: Client) -> str:
    return browser.get(reverse("contact:client", args=[client.uid])).content.decode()


def credentials(browser, client: Client) -> str:
    return browser.get(reverse("contact:credentials", args=[client.uid])).content.decode()


def test_the_page_has_what_software_needs_to_be_set_up(made, browser) -> None:
    text = page(browser, made)
    for words in (made.client_id, "/oauth/v2/token", "address.<wbr>read", "Lotte Verhaeghe"):
        assert words in text
    for name, args in (("docs:page", ["get-a-token"]), ("contact:failures", [])):
        assert f"{reverse(name, args=args)}?client={made.uid}" in text


def test_a_client_without_an_organisation_leaves_no_gap(made, browser) -> None:
    Client.objects.filter(pk=made.pk).update(organisation="")
    assert "<li></li>" not in page(browser, made).replace("<b></b>", "")


def test_a_key_that_ends_soon_says_when(made, browser) -> None:
    now = datetime.now(UTC)
    key = keys.add(client=made, key=certificate(), by=factories.SYSTEM, now=now)
    Key.objects.filter(pk=key.pk).update(not_after=now + timedelta(days=12))
    assert "Expires in 12 days" in page(browser, made)


def test_a_key_that_nobody_uses_is_safe_to_remove(made, browser) -> None:
    now = datetime.now(UTC)
    key = keys.add(client=made, key=public_key(), by=factories.SYSTEM, now=now - timedelta(days=40))
    assert "Never used since it was added on" in credentials(browser, made)
    CredentialUse.objects.create(
        credential=key.credential, client=made, last_used_at=now - timedelta(days=9, hours=1), uses=40
    )
    assert "Not used for 9 days: safe to retire." in credentials(browser, made)
    CredentialUse.objects.update(last_used_at=now)
    assert "In use: once it ends, software that authenticates with it is refused." in credentials(browser, made)


def test_a_client_that_never_got_a_token_leads_to_its_samples(made, browser) -> None:
    assert "Get the first token" in page(browser, made)
    CredentialUse.objects.create(
        credential=made.secrets.get().credential, client=made, last_used_at=datetime.now(UTC), uses=1
    )
    text = page(browser, made)
    assert "Get the first token" not in text
    assert "Nothing. Everything is all right." in text


def test_a_suspended_client_says_so(made, browser) -> None:
    Client.objects.filter(pk=made.pk).update(status=Client.Status.SUSPENDED)
    text = page(browser, made)
    assert "This client is suspended" in text
    assert "Nothing that you can do here now." in text


def test_a_new_client_id_stops_the_old_one_and_is_asked_twice(made, browser) -> None:
    url = reverse("contact:change_client_id", args=[made.uid])
    before = made.client_id
    assert "The old id stops working immediately" in browser.get(url).content.decode()
    answer = browser.post(url, {"seen": before}, follow=True).content.decode()
    made.refresh_from_db()
    assert made.client_id != before
    assert made.client_id in answer
    again = browser.post(url, {"seen": before}, follow=True).content.decode()
    assert "The client id was changed meanwhile" in again
    assert Entry.objects.with_action(Action.CLIENT_ID_CHANGED).count() == 1


def test_the_history_tells_in_sentences_what_was_done(made, browser) -> None:
    browser.post(reverse("contact:reveal_secret", args=[made.uid]))
    text = browser.get(reverse("contact:client_history", args=[made.uid])).content.decode()
    assert "viewed the client secret" in text
    assert "created the client" in text


def test_a_strangers_client_is_like_one_that_does_not_exist(made) -> None:
    stranger = browsers.of(factories.wim())
    for name in (
        "contact:client",
        "contact:credentials",
        "contact:client_history",
        "contact:change_client_id",
        "contact:propose_change",
        "contact:tokens",
        "contact:contacts",
    ):
        assert stranger.get(reverse(name, args=[made.uid])).status_code == 404


@pytest.mark.parametrize("name", ["contact:client", "contact:credentials"])
def test_the_page_asks_the_database_as_often_for_ten_keys_as_for_one(made, browser, name) -> None:
    url = reverse(name, args=[made.uid])
    keys.add(client=made, key=public_key(), by=factories.SYSTEM, now=datetime.now(UTC))
    for_one = browsers.queries(browser, url)
    for _more in range(9):
        keys.add(client=made, key=public_key(), by=factories.SYSTEM, now=datetime.now(UTC))
    assert browsers.queries(browser, url) == for_one


def test_the_history_takes_as_many_queries_for_ten_entries_as_for_one(made, browser) -> None:
    url = reverse("contact:client_history", args=[made.uid])
    for_one = browsers.queries(browser, url)
    for _more in range(9):
        browser.post(reverse("contact:reveal_secret", args=[made.uid]))
    assert browsers.queries(browser, url) == for_one


def test_staff_are_the_security_team_on_every_page_of_a_contact(made, browser) -> None:
    now, noor = datetime.now(UTC), factories.by(factories.noor())
    key = keys.add(client=made, key=public_key(), by=noor, now=now)
    client_secrets.regenerate(client=made, replaces=made.secrets.get(), overlap=timedelta(hours=1), by=noor, now=now)
    lifecycle.suspend(client=made, reason="Ask Noor before you call", by=noor, now=now)
    lifecycle.reactivate(client=made, reason="Ask Noor before you call", by=noor, now=now)
    pages = {
        name: browser.get(reverse(name, args=args)).content.decode()
        for name, args in (
            ("contact:clients", []), ("contact:client", [made.uid]), ("contact:client_history", [made.uid]),
            ("contact:credentials", [made.uid]),
            ("contact:key", [made.uid, key.uid]),
        )
    }  # fmt: skip
    for name, text in pages.items():
        assert "Noor" not in text, name
        assert "noor@" not in text, name
    assert "The Security team suspended the client" in pages["contact:clients"]
    assert "The Security team suspended the client" in pages["contact:client_history"]
    assert ", by the Security team" in pages["contact:key"]
    assert "by the Security team" in pages["contact:credentials"]


def test_what_staff_wrote_for_staff_is_in_no_history_of_a_contact(made, browser) -> None:
    """Proposer, reasons and a reviewer's signals are for auditors, who read them in the same entries."""
    now, scope = datetime.now(UTC), factories.scope("person.read")
    proposed = proposals.propose(
        kind=Proposal.Kind.SCOPES_GIVEN, about=made, content={"scopes": ["person.read"], "default_scopes": []},
        reason="Noor knows them", by=factories.by(factories.noor()), now=now,
    )  # fmt: skip
    proposals.confirm(proposal=proposed, by=factories.by(factories.bram()), now=now, reason="Bram, too")
    content = factories.content(scopes=(scope,), contact_email=factories.lotte().email)
    asked = client_requests.propose_change(client=made, content=content, by=factories.by(factories.lotte()), now=now)
    review.approve(
        registration=asked, scopes=[scope], defaults=[], seen=asked.content_hash,
        grounds=Grounds(signals=["bad: Looks like Noor"]), by=factories.by(factories.noor()), now=now,
    )  # fmt: skip
    text = browser.get(reverse("contact:client_history", args=[made.uid])).content.decode()
    assert "person.read" in text
    for words in ("Noor", "noor@", "Bram", asked.content_hash):
        assert words not in text, words


def test_what_contacts_did_keeps_their_names(made, browser) -> None:
    key = keys.add(client=made, key=public_key(), by=factories.by(factories.lotte()), now=datetime.now(UTC))
    text = without_breaks(browser.get(reverse("contact:key", args=[made.uid, key.uid])).text)
    assert "by Lotte Verhaeghe &lt;lotte@leiestroom.example&gt;" in text


def test_two_keys_of_a_kind_have_different_titles(made, browser) -> None:
    now = datetime.now(UTC)
    first = keys.add(client=made, key=public_key(), by=factories.SYSTEM, now=now)
    second = keys.add(client=made, key=public_key(), by=factories.SYSTEM, now=now)
    assert first.title != second.title
    text = credentials(browser, made)
    for key in (first, second):
        made_of, name = key.title.split(": ")
        assert made_of in text
        assert name in text


def test_a_certificate_is_called_by_its_common_name_and_the_year_it_ends(made) -> None:
    key = keys.add(client=made, key=certificate(), by=factories.SYSTEM, now=datetime.now(UTC))
    assert key.title == f"Certificate, EC P-256: api.leiestroom.example, until {key.not_after.year}"
    with translation.override("fr"):  # with the space before a colon that French has
        assert key.title == f"Certificat, EC P-256\xa0: api.leiestroom.example, jusqu’en {key.not_after.year}"


def test_the_row_of_a_key_has_its_name_and_what_it_is_made_of_apart_in_each_language(browser, made) -> None:
    key = keys.add(client=made, key=certificate(), by=factories.SYSTEM, now=datetime.now(UTC))
    page = browser.get(reverse("contact:credentials", args=[made.uid]), headers={"accept-language": "fr"})
    (name,) = re.findall(r'kd-credrow__name">\s*([^<]*api[^<]*?)\s*<', page.content.decode())
    assert name == f"api.leiestroom.example, jusqu’en {key.not_after.year}"


# --- The overview and the rows ----------------------------------------------------------------------------------------


def test_the_four_figures_are_links_to_where_one_acts(made, browser) -> None:
    now = datetime.now(UTC)
    key = keys.add(client=made, key=certificate(), by=factories.SYSTEM, now=now)
    Key.objects.filter(pk=key.pk).update(not_after=now + timedelta(days=12), label="prod-1")
    CredentialUse.objects.create(credential=key.credential, client=made, last_used_at=now, uses=1)
    factories.refused(made, at=now, count=7)
    cells = re.findall(
        r'<a class="kd-figure kd-figure--(\w+)" href="([^"]+)">(.*?)</a>', page(browser, made), re.DOTALL
    )
    words = [" ".join(re.sub("<[^>]+>", " ", cell).split()) for _state, _url, cell in cells]
    credentials_url = reverse("contact:credentials", args=[made.uid])
    assert [url for _state, url, _cell in cells] == [
        credentials_url, f"{credentials_url}#key-{key.uid}", reverse("contact:tokens", args=[made.uid]),
        f"{reverse('contact:failures')}?client={made.uid}&amp;days=1",
    ]  # fmt: skip
    assert [state for state, _url, _cell in cells] == ["warn", "warn", "ok", "bad"]
    assert words[1].startswith("Next end In 12 days prod-1,")
    assert words[3].startswith("Refused, 24 hours 7 ")


def test_a_row_has_the_name_that_its_owner_gave_and_who_saw_the_secret(made, browser) -> None:
    secret = made.secrets.get()
    type(secret).objects.filter(pk=secret.pk).update(label="Nightly batch")
    browser.post(reverse("contact:reveal_secret", args=[made.uid]))
    text = credentials(browser, made)
    row = text[text.index(f'id="secret-{secret.uid}"') :]
    assert "Nightly batch" in row
    assert re.search(r"<dt>Seen by</dt>\s*<dd>Lotte Verhaeghe</dd>", row)


def test_a_credential_without_an_end_is_drawn_open(made, browser) -> None:
    type(made.secrets.get()).objects.update(expires_at=None)
    text = credentials(browser, made)
    assert "No end date" in text
    assert "kd-line-left--open" in text


def test_more_than_four_things_to_do_unfold(made, browser) -> None:
    now = datetime.now(UTC)
    factories.refused(made, at=now, count=7)
    key = keys.add(client=made, key=certificate(), by=factories.SYSTEM, now=now)
    Key.objects.filter(pk=key.pk).update(not_after=now + timedelta(days=12))
    Client.objects.filter(pk=made.pk).update(self_service="paused")
    made.networks.create(network="192.0.2.0/24", first_at=now, is_new=True)
    content = factories.content(scopes=(factories.scope("person.read"),), contact_email=factories.lotte().email)
    client_requests.propose_change(client=made, content=content, by=factories.by(factories.lotte()), now=now)
    text = page(browser, made)
    assert text.count('class="kd-todo__do"') == 5
    assert "1 more" in text
    assert text.index("requests refused in 24 hours") < text.index("A change is being reviewed")


def test_the_last_token_is_told_after_the_key_that_got_it_was_retired(browser, made) -> None:
    now = datetime.now(UTC)
    key = keys.add(client=made, key=public_key(), by=factories.SYSTEM, now=now)
    CredentialUse.objects.create(
        credential=key.credential, client=made, last_used_at=now - timedelta(days=2, hours=1), uses=40
    )
    Key.objects.filter(pk=key.pk).update(retires_at=now - timedelta(days=1))
    page = browser.get(reverse("contact:client", args=[made.uid])).content.decode()
    assert "2 days ago" in page
    assert "no key or secret has been used yet" not in page
