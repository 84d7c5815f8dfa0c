"""The step-up guards the acts docs/security.md names, cannot be got around, and every such act is mailed to all."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse

from clients import codes, contacts, keys, step_up
from clients.models import Client, ClientContact, Mail, MailedCode
from tests import factories
from tests.factories import by, lotte, wim
from tests.keys import jwk_of, new_ec, public_key
from tests.parallel import at_once
from tests.portal import browsers
from tests.portal.test_access import MATRIX, arguments
from tokens.models import Token

pytestmark = pytest.mark.django_db

# To reveal or regenerate a secret, add or remove a key, change the client id or invalidate tokens; and, since they
# decide who may do all that and with what: the contacts, and whether secrets work.
GUARDED = {
    "reveal_secret", "regenerate_secret", "end_secret", "secret_authentication",
    "confirm_key", "activate_key", "retire_key",
    "change_client_id",
    "revoke_token", "invalidate_tokens", "invalidate_issued_to",
    "contacts", "change_contact_role", "remove_contact",
}  # fmt: skip
# And the passkey that takes the code's place; its owner alone is mailed (tests/portal/test_passkeys.py).
PASSKEYS = {"add_passkey", "remove_passkey"}
NOW = datetime.now(UTC)


@pytest.fixture
def shared() -> Client:
    """Lotte's client, which Wim looks after too; it has a secret, a key and a staged key."""
    made, _secret = factories.client(now=NOW)
    contacts.add(client=made, email=wim().email, name="Wim", role=ClientContact.Role.EDITOR, by=by(lotte()), now=NOW)
    keys.add(client=made, key=public_key(), by=by(lotte()), now=NOW)
    keys.add(client=made, key=public_key(), by=by(lotte()), now=NOW, active=False)
    return made


def acts(client: Client) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """For each guarded act: what fills its address beside the client, and its form."""
    secret, wims = client.secrets.current().get(), client.contacts.get(user=wim())
    used, staged = client.keys.exclude(active_from=None).get(), client.keys.get(active_from=None)
    token = Token.objects.create(
        digest=b"d" * 32, client=client, epoch=client.epoch, scope="address.read", credential=secret.credential,
        issued_at=NOW, expires_at=NOW + timedelta(hours=1),
    )  # fmt: skip
    return {
        "reveal_secret": ({}, {}),
        "regenerate_secret": ({}, {"replaces": secret.uid, "overlap": "1h"}),
        "end_secret": ({"secret": secret.uid}, {}),
        "secret_authentication": ({}, {"allowed": "false"}),
        "confirm_key": ({}, {"material": json.dumps(jwk_of(new_ec())), "start": "now"}),
        "activate_key": ({"key": staged.uid}, {}),
        "retire_key": ({"key": used.uid}, {"overlap": "0"}),
        "change_client_id": ({}, {"seen": client.client_id}),
        "revoke_token": ({}, {"token": token.jti}),
        "invalidate_tokens": ({}, {}),
        "invalidate_issued_to": ({"credential": secret.uid}, {}),
        "contacts": ({}, {"name": "An", "email": "an@leiestroom.example", "role": "editor"}),
        "change_contact_role": ({"contact": wims.uid}, {"role": "owner"}),
        "remove_contact": ({"contact": wims.uid}, {}),
    }


def asks_for_a_code(response: Any) -> bool:
    return 'name="step_up_code"' in response.text


def test_exactly_these_acts_ask_for_a_code(things: dict[str, Any]) -> None:
    browser = browsers.of(lotte(), stepped_up=False)
    asked = {
        name
        for name, (_get, post) in MATRIX.items()
        if post.split()[1] in ("200", "302", "404", "422")
        and name not in ("sign_out", "docs_sample")
        and asks_for_a_code(browser.post(reverse(name, kwargs=arguments(name, things))))
    }
    assert asked == GUARDED | PASSKEYS


@pytest.mark.parametrize("name", sorted(GUARDED))
def test_such_an_act_waits_for_the_code_and_then_mails_all_contacts_without_a_secret(shared: Client, name: str) -> None:
    more, form = acts(shared)[name]
    url, browser = reverse(name, kwargs={"uid": shared.uid, **more}), browsers.of(lotte(), stepped_up=False)
    Mail.objects.all().delete()
    assert asks_for_a_code(browser.post(url, form))
    assert set(Mail.objects.values_list("kind", flat=True)) == {Mail.Kind.CODE}  # nothing has happened yet

    answer = browser.post(url, {**form, "step_up_code": codes.value(lotte().codes.get())})
    assert answer.status_code in (200, 302)
    told = Mail.objects.filter(kind=Mail.Kind.CLIENT_CHANGED)
    joins = {"an@leiestroom.example"} if name == "contacts" else set()
    assert set(told.values_list("to", flat=True)) == {lotte().email, wim().email} | joins
    secret = shared.secrets.current().first()
    assert "kds_" not in "".join(str(mail.facts) for mail in told)
    assert not secret or bytes(secret.digest).hex() not in str(list(told.values()))


def test_a_page_that_is_only_looked_at_never_asks_for_a_code(shared: Client) -> None:
    browser = browsers.of(lotte(), stepped_up=False)
    for name, (more, _form) in acts(shared).items():
        browser.get(reverse(name, kwargs={"uid": shared.uid, **more}))
    assert not MailedCode.objects.exists()


# --- Ways around it ---------------------------------------------------------------------------------------------------


def reveal(browser: Browser, client: Client, **form: str) -> str:
    return browser.post(reverse("reveal_secret", args=[client.uid]), form).text


def test_a_code_works_once_also_with_the_same_form(shared: Client) -> None:
    browser = browsers.of(lotte(), stepped_up=False)
    reveal(browser, shared)
    code = codes.value(lotte().codes.get())
    assert "Your client secret" in reveal(browser, shared, step_up_code=code)
    assert "no longer works" in reveal(browsers.of(lotte(), stepped_up=False), shared, step_up_code=code)


def test_the_code_of_somebody_else_is_wrong(shared: Client) -> None:
    step_up.mail_code(user=wim(), again=False, now=NOW)
    browser = browsers.of(lotte(), stepped_up=False)
    reveal(browser, shared)
    assert "not the code we mailed" in reveal(browser, shared, step_up_code=codes.value(wim().codes.get()))


def test_the_code_that_confirms_a_request_is_no_step_up(shared: Client) -> None:
    code = codes.issue(purpose=MailedCode.Purpose.CONFIRM_REQUEST, email=lotte().email, user=lotte(), now=NOW)
    answer = reveal(browsers.of(lotte(), stepped_up=False), shared, step_up_code=codes.value(code))
    assert "no longer works" in answer


def test_signing_out_ends_the_step_up(shared: Client) -> None:
    browser = browsers.of(lotte())
    browser.post(reverse("sign_out"))
    browser.force_login(lotte(), backend=browsers.BACKEND)
    assert asks_for_a_code(browser.post(reverse("reveal_secret", args=[shared.uid])))


def test_one_browsers_step_up_is_none_for_another(shared: Client) -> None:
    assert "Your client secret" in reveal(browsers.of(lotte()), shared)
    assert "Your client secret" not in reveal(browsers.of(lotte(), stepped_up=False), shared)


def test_a_step_up_in_the_future_is_none(shared: Client) -> None:
    browser = browsers.of(lotte())
    session = browser.session
    session["stepped_up_at"] += 3600
    session.save()
    assert "Your client secret" not in reveal(browser, shared)


def test_guessing_ends_after_five_codes_a_mail_and_twenty_failures_a_day(shared: Client) -> None:
    browser, right = browsers.of(lotte(), stepped_up=False), set()
    url = reverse("reveal_secret", args=[shared.uid])
    for _mail in range(6):
        browser.post(url, {"step_up_again": "1"})
        right.add(codes.value(lotte().codes.latest("created_at")))
        for guess in range(6):
            wrong = next(f"{number:06d}" for number in range(guess * 100, 999_999) if f"{number:06d}" not in right)
            answer = browser.post(url, {"step_up_code": wrong})
    assert [code.attempts for code in lotte().codes.all()] == [MailedCode.MAX_ATTEMPTS] * 4
    assert "Too many wrong codes" in answer.text
    newest = codes.value(lotte().codes.latest("created_at"))
    assert "Too many wrong codes" in reveal(browser, shared, step_up_code=newest)
    assert Mail.objects.get(kind=Mail.Kind.CODES_ENDED).to == lotte().email


def test_a_stranger_who_floods_the_public_form_keeps_nobody_from_a_step_up(shared: Client) -> None:
    for _time in range(codes.MAILED_PER_HOUR):
        codes.issue(purpose=MailedCode.Purpose.CONFIRM_REQUEST, email=lotte().email, now=datetime.now(UTC))
    browser = browsers.of(lotte(), stepped_up=False)
    reveal(browser, shared)
    assert "Your client secret" in reveal(browser, shared, step_up_code=codes.value(lotte().codes.get()))


@pytest.mark.django_db(transaction=True)
def test_thirty_requests_at_once_mail_no_more_codes_than_are_allowed() -> None:
    person, now = lotte(), datetime.now(UTC)
    outcomes = at_once(30, lambda _number: step_up.mail_code(user=person, again=True, now=now))
    assert sum(isinstance(outcome, codes.TooManyCodes) for outcome in outcomes) == 30 - codes.MAILED_PER_HOUR
    assert MailedCode.objects.count() == codes.MAILED_PER_HOUR
    assert MailedCode.objects.filter(used_at=None, expires_at__gt=now).count() == 1
