"""The step-up guards the acts docs/security.md names, cannot be got around, and every such act is mailed to all."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.test import Client as Browser
from django.urls import reverse

from clients.access import one_time_codes
from clients.access.guarded_acts import Act
from clients.acts.credentials import keys
from clients.acts.people import contacts
from clients.authentication import step_up
from clients.authentication.step_up import Asked
from clients.models import Client, ClientContact, JwksUri, Mail, MailedCode, Trust
from clients.refusal_codes import Code
from tests.portal.support import browsers
from tests.portal.support.addresses import arguments
from tests.portal.support.browsers import confirmed, is_asked
from tests.portal.test_access import MATRIX
from tests.support import factories
from tests.support.factories import by, lotte, wim
from tests.support.keys import jwk_of, new_ec, public_key
from tests.support.parallel import at_once, refused
from tokens.models import Token

pytestmark = pytest.mark.django_db

# To reveal or regenerate a secret, add or remove a key, change the client id or invalidate tokens; and, since they
# decide who may do all that and with what: the contacts, and whether secrets work.
GUARDED = {
    "contact:reveal_secret", "contact:first_token", "contact:regenerate_secret", "contact:end_secret",
    "contact:secret_authentication",
    "contact:confirm_key", "contact:activate_key", "contact:retire_key",
    "contact:extend_trust", "contact:remove_trust", "contact:jwks_uri", "contact:remove_jwks_uri",
    "contact:change_client_id", "contact:end_added", "contact:self_service",
    "contact:revoke_token", "contact:invalidate_tokens", "contact:invalidate_issued_to",
    "contact:contacts", "contact:change_contact_role", "contact:remove_contact", "contact:proposed_contact",
}  # fmt: skip
# And the passkey that takes the code's place; its owner alone is mailed (tests/portal/pages/account/test_passkeys.py).
PASSKEYS = {"contact:add_passkey", "contact:remove_passkey"}
CALENDAR = {"contact:calendar"}  # an address of the person's own (tests/portal/pages/account/test_calendars.py)
PHONE = {"contact:phone"}  # the person's own (tests/portal/pages/contact/test_phone.py)
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
    address = JwksUri.objects.create(
        client=client, url="https://keys.example/jwks", added_at=NOW, found=[dict(public_key().jwk)]
    )
    trust = factories.trust(client)
    Trust.objects.filter(pk=trust.pk).update(expires_at=NOW + timedelta(days=7))
    return {
        "contact:jwks_uri": ({}, {"seen": address.found_hash}),
        "contact:remove_jwks_uri": ({}, {}),
        "contact:reveal_secret": ({}, {}),
        "contact:first_token": ({}, {}),
        "contact:regenerate_secret": ({}, {"replaces": secret.uid, "overlap": "1h"}),
        "contact:end_secret": ({"secret": secret.uid}, {}),
        "contact:secret_authentication": ({}, {"allowed": "false"}),
        "contact:confirm_key": ({}, {"material": json.dumps(jwk_of(new_ec())), "start": "now"}),
        "contact:activate_key": ({"key": staged.uid}, {}),
        "contact:retire_key": ({"key": used.uid}, {"overlap": "0"}),
        "contact:extend_trust": ({"trust": trust.uid}, {}),
        "contact:remove_trust": ({"trust": trust.uid}, {}),
        "contact:end_added": ({"credential": used.uid}, {"pause": "on"}),
        "contact:self_service": ({}, {"to": "off_by_contact"}),
        "contact:change_client_id": ({}, {"seen": client.client_id}),
        "contact:revoke_token": ({}, {"token": token.jti}),
        "contact:invalidate_tokens": ({}, {}),
        "contact:invalidate_issued_to": ({"credential": secret.uid}, {}),
        "contact:contacts": ({}, {"name": "An", "email": "an@leiestroom.example", "role": "editor"}),
        "contact:change_contact_role": ({"contact": wims.uid}, {"role": "owner"}),
        "contact:remove_contact": ({"contact": wims.uid}, {}),
        "contact:proposed_contact": ({"proposal": factories.proposed_contact(client).uid}, {"act": "accept"}),
    }


def test_exactly_these_acts_ask_for_a_code(things: dict[str, Any], shared: Client) -> None:
    """With a form that is right; one that is refused asks for nothing."""
    known = {
        name: (reverse(name, kwargs={"uid": shared.uid, **more}), form) for name, (more, form) in acts(shared).items()
    }
    passkey = Authenticator.objects.create(user=lotte(), type=Authenticator.Type.WEBAUTHN, data={"name": "Laptop"})
    known["contact:remove_passkey"] = (reverse("contact:remove_passkey", args=[passkey.pk]), {})
    asked = set()
    for name, (_get, post) in MATRIX.items():
        if post.split()[1] in ("200", "302", "404", "422") and name not in ("account:sign_out", "docs:sample"):
            url, form = known.get(name) or (reverse(name, kwargs=arguments(name, things)), {})
            browser = browsers.of(lotte(), stepped_up=False)
            with transaction.atomic():
                asked |= {name} if is_asked(browser.post(url, form)) else set()
                transaction.set_rollback(True)
    assert asked == GUARDED | PASSKEYS | CALENDAR | PHONE


@pytest.mark.parametrize("name", sorted(GUARDED))
def test_a_guarded_act_waits_for_the_code_then_mails_all_without_a_secret(shared: Client, name: str) -> None:
    more, form = acts(shared)[name]
    url, browser = reverse(name, kwargs={"uid": shared.uid, **more}), browsers.of(lotte(), stepped_up=False)
    Mail.objects.all().delete()
    page = browser.post(url, form)["Location"]
    assert set(Mail.objects.values_list("kind", flat=True)) == {Mail.Kind.CODE}  # nothing has happened yet

    answer = browser.post(page, {"code": one_time_codes.value(lotte().codes.get())})
    assert answer.status_code == (200 if name == "contact:first_token" else 302)  # the secret, in no page by GET
    told = Mail.objects.filter(kind=Mail.Kind.CLIENT_CHANGED)
    joins = {"an@leiestroom.example"} if name in ("contact:contacts", "contact:proposed_contact") else set()
    assert set(told.values_list("to", flat=True)) == {lotte().email, wim().email} | joins
    secret = shared.secrets.current().first()
    assert "kds_" not in "".join(str(mail.facts) for mail in told)
    assert not secret or bytes(secret.digest).hex() not in str(list(told.values()))


@pytest.mark.parametrize("name", sorted(GUARDED))
def test_for_what_does_not_exist_no_code_is_mailed(shared: Client, name: str) -> None:
    """A stranger's client, one that does not exist, and things of another client: 404, as if nothing was there."""
    more, form = acts(shared)[name]
    other, _secret = factories.client(contact=factories.person("an@rekenhuis.example", "An"))
    stranger, owner = (
        browsers.of(factories.person("bo@rekenhuis.example", "Bo"), stepped_up=False),
        browsers.of(other.contacts.get().user, stepped_up=False),
    )
    for browser, uid in ((stranger, shared.uid), (stranger, uuid4()), *([(owner, other.uid)] if more else [])):
        assert browser.post(reverse(name, kwargs={"uid": uid, **more}), form).status_code == 404
    for unknown in more:
        url = reverse(name, kwargs={"uid": shared.uid, unknown: uuid4()})
        assert browsers.of(lotte(), stepped_up=False).post(url, form).status_code == 404
    assert not MailedCode.objects.exists()


def test_a_passkey_of_somebody_else_mails_no_code() -> None:
    theirs = Authenticator.objects.create(user=wim(), type=Authenticator.Type.WEBAUTHN, data={"name": "Laptop"})
    browser = browsers.of(lotte(), stepped_up=False)
    assert browser.post(reverse("contact:remove_passkey", args=[theirs.pk])).status_code == 404
    assert not MailedCode.objects.exists()


def test_a_page_that_is_only_looked_at_never_asks_for_a_code(shared: Client) -> None:
    browser = browsers.of(lotte(), stepped_up=False)
    for name, (more, _form) in acts(shared).items():
        browser.get(reverse(name, kwargs={"uid": shared.uid, **more}))
    assert not MailedCode.objects.exists()


# --- Ways around it ---------------------------------------------------------------------------------------------------


def reveal(browser: Browser, client: Client) -> str:
    """The address of the page for the code, or of the secret."""
    return browser.post(reverse("contact:reveal_secret", args=[client.uid]))["Location"]


def shows(browser: Browser, address: str) -> bool:
    return "Your client secret" in browser.get(address).text


def test_a_code_works_once_also_with_the_same_form(shared: Client) -> None:
    browser = browsers.of(lotte(), stepped_up=False)
    first, second = reveal(browser, shared), reveal(browser, shared)
    code = {"code": one_time_codes.value(lotte().codes.get())}
    assert shows(browser, browser.post(first, code)["Location"])
    assert "no longer works" in browser.post(second, code).text


def test_the_code_of_somebody_else_is_wrong(shared: Client) -> None:
    reveal(browsers.of(wim(), stepped_up=False), shared)
    browser = browsers.of(lotte(), stepped_up=False)
    page = reveal(browser, shared)
    assert "not the code we mailed" in browser.post(page, {"code": one_time_codes.value(wim().codes.get())}).text


def test_the_code_that_confirms_a_request_is_no_step_up(shared: Client) -> None:
    code = one_time_codes.issue(purpose=MailedCode.Purpose.CONFIRM_REQUEST, email=lotte().email, user=lotte(), now=NOW)
    browser = browsers.of(lotte(), stepped_up=False)
    page = reveal(browser, shared)
    assert browser.post(page, {"code": one_time_codes.value(code)}).status_code == 422


def test_signing_out_ends_the_step_up(shared: Client) -> None:
    browser = browsers.of(lotte(), stepped_up=False)
    confirmed(browser, reverse("contact:reveal_secret", args=[shared.uid]))
    browser.post(reverse("account:sign_out"))
    browser.force_login(lotte(), backend=browsers.BACKEND)
    assert is_asked(browser.post(reverse("contact:reveal_secret", args=[shared.uid])))


def test_one_browsers_step_up_is_none_for_another(shared: Client) -> None:
    url = reverse("contact:reveal_secret", args=[shared.uid])
    browser = browsers.of(lotte(), stepped_up=False)
    confirmed(browser, url)
    assert not is_asked(browser.post(url))
    assert is_asked(browsers.of(lotte(), stepped_up=False).post(url))


def test_a_step_up_in_the_future_is_none(shared: Client) -> None:
    browser, url = browsers.of(lotte(), stepped_up=False), reverse("contact:reveal_secret", args=[shared.uid])
    confirmed(browser, url)
    session = browser.session
    session["stepped_up_at"] = {str(shared.uid): session["stepped_up_at"][str(shared.uid)] + 3600}
    session.save()
    assert is_asked(browser.post(url))


def test_guessing_ends_after_five_codes_a_mail_and_twenty_failures_a_day(shared: Client) -> None:
    browser, right = browsers.of(lotte(), stepped_up=False), set()
    page = reveal(browser, shared)
    MailedCode.objects.all().delete()
    for _mail in range(6):
        browser.post(page, {"again": "1"})
        right.add(one_time_codes.value(lotte().codes.latest("created_at")))
        for guess in range(6):
            wrong = next(f"{number:06d}" for number in range(guess * 100, 999_999) if f"{number:06d}" not in right)
            answer = browser.post(page, {"code": wrong})
    assert [code.attempts for code in lotte().codes.all()] == [MailedCode.MAX_ATTEMPTS] * 4
    assert "Too many wrong codes" in answer.text
    newest = one_time_codes.value(lotte().codes.latest("created_at"))
    assert "Too many wrong codes" in browser.post(page, {"code": newest}).text
    assert Mail.objects.get(kind=Mail.Kind.CODES_ENDED).to == lotte().email


def test_a_stranger_who_floods_the_public_form_prevents_no_step_up(shared: Client) -> None:
    for _time in range(one_time_codes.MAILED_PER_HOUR):
        one_time_codes.issue(purpose=MailedCode.Purpose.CONFIRM_REQUEST, email=lotte().email, now=datetime.now(UTC))
    browser = browsers.of(lotte(), stepped_up=False)
    page = reveal(browser, shared)
    assert shows(browser, browser.post(page, {"code": one_time_codes.value(lotte().codes.get())})["Location"])


@pytest.mark.django_db(transaction=True)
def test_thirty_requests_at_once_mail_no_more_codes_than_are_allowed() -> None:
    person, now = lotte(), datetime.now(UTC)
    asked = Asked(user=person, session=uuid4(), act=Act.ADD_PASSKEY)

    def ask(_number: int) -> None:
        step_up.mail_code(asked=asked, again=True, by=by(person), now=now)

    outcomes = at_once(30, ask)
    assert refused(outcomes) == [Code.TOO_MANY_CODES] * (30 - one_time_codes.MAILED_PER_HOUR)
    assert MailedCode.objects.count() == one_time_codes.MAILED_PER_HOUR
    assert MailedCode.objects.filter(used_at=None, expires_at__gt=now).count() == 1
