"""The tokens that work now: what one sees of them, and that what the page says is true at once."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from audit.actions import Action
from audit.models import Entry
from clients.acts.credentials import keys
from clients.models import Client, Mail
from tests.portal.support import browsers
from tests.support import factories
from tests.support.keys import public_key
from tokens.models import Token

pytestmark = pytest.mark.django_db


def issue(client: Client, number: int = 1, *, minutes: int = 30, credential: str = "") -> Token:
    now = datetime.now(UTC)
    return Token.objects.create(
        digest=hashlib.sha256(f"{client.pk}-{number}".encode()).digest(),
        client=client,
        epoch=client.epoch,
        scope="address.read",
        issued_at=now - timedelta(minutes=5),
        expires_at=now + timedelta(minutes=minutes),
        credential=credential or client.secrets.get().credential,
        address="193.190.44.18",
    )


def page(browser, client: Client) -> str:
    return browser.get(reverse("contact:tokens", args=[client.uid])).content.decode()


def test_a_token_shows_when_with_what_for_what_and_from_where(made, browser) -> None:
    token = issue(made)
    text = page(browser, made)
    for words in (f"…{token.jti[-6:]}", "address.<wbr>read", "193.190.44.18", f"Secret …{made.secrets.get().hint}"):
        assert words in text


def test_an_expired_token_is_not_listed(made, browser) -> None:
    issue(made, minutes=-1)
    assert "No valid tokens" in page(browser, made)


def test_an_invalidated_token_is_inactive_when_the_page_answers(made, browser) -> None:
    token, other = issue(made, 1), issue(made, 2)
    answer = browser.post(reverse("contact:revoke_token", args=[made.uid]), {"token": token.jti}, follow=True)
    assert f"The token …{token.jti[-6:]} no longer works" in answer.content.decode()
    assert list(Token.objects.live(datetime.now(UTC))) == [other]
    assert Entry.objects.with_action(Action.TOKEN_REVOKED).count() == 1


def test_invalidating_all_asks_first_and_leaves_none(made, browser) -> None:
    for number in range(3):
        issue(made, number)
    url = reverse("contact:invalidate_tokens", args=[made.uid])
    assert "Invalidate all tokens?" in browser.get(url).content.decode()
    assert Token.objects.live(datetime.now(UTC)).count() == 3
    answer = browser.post(url, follow=True).content.decode()
    assert "No valid tokens" in answer
    assert not Token.objects.live(datetime.now(UTC)).exists()
    assert Entry.objects.with_action(Action.CLIENT_TOKENS_INVALIDATED).count() == 1
    assert Mail.objects.filter(kind=Mail.Kind.CLIENT_CHANGED).count() == 1


def test_the_tokens_of_one_credential_go_and_those_of_its_siblings_stay(made, browser) -> None:
    key = keys.add(client=made, key=public_key(), by=factories.SYSTEM, now=datetime.now(UTC))
    by_secret, by_key = issue(made, 1), [issue(made, number, credential=key.credential) for number in (2, 3)]
    url = reverse("contact:invalidate_issued_to", args=[made.uid, key.uid])
    assert url in browser.get(reverse("contact:credentials", args=[made.uid])).content.decode()
    assert "2 tokens issued with this key or secret stop working" in browser.get(url).content.decode()
    assert Token.objects.live(datetime.now(UTC)).count() == 3
    browser.post(url)
    assert list(Token.objects.live(datetime.now(UTC))) == [by_secret]
    entry = Entry.objects.with_action(Action.CREDENTIAL_TOKENS_INVALIDATED).get()
    assert entry.subject_id == key.audit_id
    assert entry.changes == {"tokens": [len(by_key), 0]}
    assert key.state(datetime.now(UTC)) == key.State.ACTIVE
    assert (
        "Nothing to invalidate: this key or secret has no valid tokens."
        in browser.post(url, follow=True).content.decode()
    )


def test_the_tokens_of_a_secret_can_go_by_themselves_too(made, browser) -> None:
    issue(made)
    browser.post(reverse("contact:invalidate_issued_to", args=[made.uid, made.secrets.get().uid]))
    assert not Token.objects.live(datetime.now(UTC)).exists()


def test_a_leaked_key_can_retire_with_its_tokens(made, browser) -> None:
    key = keys.add(client=made, key=public_key(), by=factories.SYSTEM, now=datetime.now(UTC))
    by_secret, _by_key = issue(made, 1), issue(made, 2, credential=key.credential)
    browser.post(reverse("contact:retire_key", args=[made.uid, key.uid]), {"overlap": "0", "tokens": "on"})
    assert list(Token.objects.live(datetime.now(UTC))) == [by_secret]
    key.refresh_from_db()
    assert key.state(datetime.now(UTC)) == key.State.RETIRED


def test_before_a_credential_ends_the_page_says_who_uses_it(made, browser) -> None:
    key = keys.add(client=made, key=public_key(), by=factories.SYSTEM, now=datetime.now(UTC))
    pages = [
        reverse("contact:retire_key", args=[made.uid, key.uid]),
        reverse("contact:end_secret", args=[made.uid, made.secrets.get().uid]),
    ]
    for page in pages:
        assert "193.190.44.18" not in browser.get(page).content.decode()
    for number, credential in enumerate((key.credential, key.credential, made.secrets.get().credential)):
        issue(made, number, credential=credential)
    for page in pages:
        assert browser.get(page).content.decode().count("193.190.44.18") == 1


def test_a_leaked_secret_can_be_replaced_and_lose_its_tokens_at_once(made, browser) -> None:
    issue(made)
    form = {"replaces": made.secrets.get().uid, "overlap": "0", "tokens": "on"}
    answer = browser.post(reverse("contact:regenerate_secret", args=[made.uid]), form, follow=True).content.decode()
    assert "All tokens issued with this key or secret have stopped working" in answer
    assert not Token.objects.live(datetime.now(UTC)).exists()


def test_a_key_that_has_to_stay_keeps_its_tokens(made, browser) -> None:
    key = keys.add(client=made, key=public_key(), by=factories.SYSTEM, now=datetime.now(UTC))
    made.secrets.update(ends_at=datetime.now(UTC))
    issue(made, credential=key.credential)
    browser.post(reverse("contact:retire_key", args=[made.uid, key.uid]), {"overlap": "0", "tokens": "on"})
    assert Token.objects.live(datetime.now(UTC)).count() == 1


def test_a_leaked_secret_can_end_with_its_tokens(made, browser) -> None:
    keys.add(client=made, key=public_key(), by=factories.SYSTEM, now=datetime.now(UTC))
    issue(made)
    browser.post(reverse("contact:end_secret", args=[made.uid, made.secrets.get().uid]), {"tokens": "on"})
    assert not Token.objects.live(datetime.now(UTC)).exists()


def test_both_ask_for_a_mailed_code(made) -> None:
    token = issue(made)
    browser = browsers.of(factories.lotte(), stepped_up=False)
    for name in ("contact:revoke_token", "contact:invalidate_tokens"):
        asked = browser.post(reverse(name, args=[made.uid]), {"token": token.jti}, follow=True).text
        assert "six-digit code" in asked
    assert Token.objects.live(datetime.now(UTC)).count() == 1


def test_a_token_that_ended_while_its_row_was_on_the_page_is_no_dead_end(made, browser) -> None:
    token = issue(made, minutes=-1)
    answer = browser.post(reverse("contact:revoke_token", args=[made.uid]), {"token": token.jti}, follow=True)
    assert answer.redirect_chain == [(reverse("contact:tokens", args=[made.uid]), 302)]
    assert "This token had stopped working already" in answer.content.decode()
    assert not Entry.objects.with_action(Action.TOKEN_REVOKED).exists()


@pytest.mark.parametrize("token", ["", "x", "AAAA", "é" * 43, "a" * 43, "=" * 43])
def test_a_token_that_is_none_is_not_found(made, browser, token) -> None:
    assert browser.post(reverse("contact:revoke_token", args=[made.uid]), {"token": token}).status_code == 404


def test_the_token_of_another_client_is_not_found(made, browser) -> None:
    other, _secret = factories.client(contact=factories.wim())
    token = issue(other)
    assert browser.post(reverse("contact:revoke_token", args=[made.uid]), {"token": token.jti}).status_code == 404
    assert Token.objects.live(datetime.now(UTC)).count() == 1


def test_the_page_asks_the_database_as_often_for_ten_tokens_as_for_one(made, browser) -> None:
    url = reverse("contact:tokens", args=[made.uid])
    issue(made)
    for_one = browsers.queries(browser, url)
    for number in range(2, 11):
        issue(made, number)
    assert browsers.queries(browser, url) == for_one


def test_list_history_and_mail_name_a_token_by_the_same_ending(made, browser) -> None:
    token = issue(made)
    listed = f"…{token.jti[-6:]}"
    assert listed in browser.get(reverse("contact:tokens", args=[made.uid])).text
    browser.post(reverse("contact:revoke_token", args=[made.uid]), {"token": token.jti})
    assert f"invalidated the token {listed}" in browser.get(reverse("contact:client_history", args=[made.uid])).text
    assert listed in str(Mail.objects.get(client=made).facts)
