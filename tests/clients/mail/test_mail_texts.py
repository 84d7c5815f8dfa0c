"""Every mail: in both forms, with what to do next, and never broken by a name."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from clients.access import management_links, one_time_codes
from clients.acts import client_requests
from clients.mail import notifications
from clients.mail import words as mail_words
from clients.mail.rendering import MailText, render
from clients.models import Mail, MailedCode, Registration
from tests.support import factories

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
NASTY = "Meterstanden <b>x</b>\r\nBcc: everybody@example.org\u202e"
KINDS = list(Mail.Kind)
ACTION_OF = {kind: action.value for action, kind in notifications.OWN_KIND.items()} | {
    Mail.Kind.PASSKEY_CHANGED: "passkey.added", Mail.Kind.ACCOUNT_CHANGED: "account.bound",
}  # fmt: skip


def mail(kind: Mail.Kind, *, name: str = "Meterstanden-koppeling", language: str = "en", message: str = "") -> Mail:
    lotte = factories.lotte()
    client, _secret = factories.client()
    client.name = client.organisation = lotte.name = name
    registration = Registration(client_name=name, contact_name=name, contact_email=lotte.email, created_at=NOW, pk=6)
    facts = {
        "message": message,
        "action": ACTION_OF.get(kind, "secret.viewed"),
        "subject": "…4f2a",
        "by_email": "lotte@leiestroom.example",
        "by_id": 1,
        "network": "192.0.2.0/24",
        "browser": "Firefox, Windows",
        "by": name,
        "at": NOW.isoformat(),
        "kid": "mkwX4FvSiD9hDseULapW8TB76U0",
        "not_after": (NOW + timedelta(days=12)).isoformat(),
        "days": 12,
    }
    if kind == Mail.Kind.CODES_ENDED:
        facts |= {"began_at": NOW.isoformat(), "until": (NOW + timedelta(days=1)).isoformat(), "failures": 20}
    facts |= {"way": "sha1", "issuer": name, "url": "https://token.example", "uid": str(client.uid), "api": "addresses"}
    facts |= {"webhook": str(client.uid)}
    facts |= {"bound": "rsa_bits", "value": 3072, "from": (NOW + timedelta(days=40)).isoformat()}
    if kind == Mail.Kind.FAILURE_STOPPED:
        facts |= {"why": "7d1c88f041b2", "refused": 40, "tokens": 14, "error": "invalid_client"}
        facts |= {"began_at": (NOW - timedelta(hours=3)).isoformat(), "until": NOW.isoformat()}
    if kind == Mail.Kind.CONTACT_PROPOSED:
        facts |= {"proposal": str(client.uid), "person": name, "email": "an@leiestroom.example", "role": "owner"}
        facts |= {"until": (NOW + timedelta(days=7)).isoformat()}
    return Mail(kind=kind, to=lotte.email, language=language, user=lotte, client=client, registration=registration,
                facts=facts, created_at=NOW, next_attempt_at=NOW)  # fmt: skip


def rendered(kind: Mail.Kind, **about: str) -> MailText:
    row = mail(kind, **about)
    if kind in (Mail.Kind.LINK, Mail.Kind.CLIENT_READY, Mail.Kind.CONTACT_ADDED, Mail.Kind.STAFF_INVITATION):
        row.link = management_links.issue(user=row.user, now=NOW)
        return render(row, now=NOW, link_url=management_links.url(row.link))
    if kind == Mail.Kind.CODE:
        row.code = one_time_codes.issue(purpose=MailedCode.Purpose.STEP_UP, email=row.to, user=row.user, now=NOW)
        return render(row, now=NOW, code=one_time_codes.value(row.code))
    return render(row, now=NOW)


@pytest.mark.parametrize("kind", KINDS)
def test_every_mail_has_a_subject_a_text_and_the_same_in_html(kind, settings) -> None:
    settings.SUPPORT_EMAIL = "support@example.org"
    text = rendered(kind)
    assert text.subject
    assert text.subject in text.html
    assert "We never ask for a secret" in text.body
    assert "We never ask for a secret" in text.html
    assert "support@example.org" in text.body
    assert "support@example.org" in text.html
    addresses = set(re.findall(r"http://testserver\S*", text.body))
    assert all(address.rstrip(".") in text.html for address in addresses)


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_can_neither_forge_a_header_nor_bring_markup(kind) -> None:
    text = rendered(kind, name=NASTY)
    assert "\n" not in text.subject
    assert "\nBcc:" not in text.body
    assert "\u202e" not in text.body + text.html + text.subject
    assert "<b>x</b>" not in text.html


@pytest.mark.parametrize("kind", KINDS)
def test_a_french_subject_keeps_a_colon_on_the_line_of_its_word(kind) -> None:
    assert not re.search(" [:?]", rendered(kind, language="fr").subject)


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_of_a_html_mail_does_not_end_before_an_address_that_is_elsewhere(kind) -> None:
    assert not re.search(r":\s*</li>", rendered(kind).html)


@pytest.mark.parametrize("kind", KINDS)
def test_the_text_fits_a_narrow_window(kind) -> None:
    for line in rendered(kind).body.splitlines():
        assert len(line) <= 72 or "://" in line, line


@pytest.mark.parametrize("kind", KINDS)
def test_no_placeholder_is_left_open(kind) -> None:
    text = rendered(kind)
    for part in (text.subject, text.body, text.html):
        assert "None" not in part
        assert "{" not in part.partition("</style>")[2] or "{{" not in part
        assert "%(" not in part


def test_the_link_stands_on_a_line_of_its_own_with_its_end() -> None:
    text = rendered(Mail.Kind.LINK)
    line = next(line for line in text.body.splitlines() if "/open/" in line)
    assert line.startswith("http://testserver/open/")
    assert "Works once, until 27 November 2026, 10:30." in text.body


def test_nothing_a_stranger_typed_is_mailed_to_an_unconfirmed_address() -> None:
    typed = {"client_name": "Pay at evil.example", "organisation": "Evil Ltd", "contact_name": "Dear customer"}
    request = Registration(**typed, purpose="Send money", contact_email="victim@example.org", created_at=NOW, pk=6)
    code = one_time_codes.issue(purpose=MailedCode.Purpose.CONFIRM_REQUEST, email="victim@example.org", now=NOW)
    text = render(Mail(kind=Mail.Kind.CODE, to=code.email, code=code, registration=request), now=NOW, code="123456")
    for words in (*typed.values(), "Send money"):
        for part in (text.subject, text.body, text.html):
            assert words not in part
    assert "R-2026-0006" in text.body


STOPPED = [
    Mail.Kind.LEAK_REVOKED, Mail.Kind.CLIENT_SUSPENDED, Mail.Kind.CLIENT_REACTIVATED, Mail.Kind.CLIENT_CLOSED,
    Mail.Kind.SCOPE_RETIRED, Mail.Kind.PRIVATE_KEY_RECEIVED,
]  # fmt: skip


@pytest.mark.parametrize("kind", STOPPED)
def test_an_urgent_mail_says_when_what_to_do_whom_to_call_and_the_message(kind, settings) -> None:
    settings.SUPPORT_EMAIL, settings.SUPPORT_PHONE = "help@keydesk.example", "+32 2 123 45 67"
    row = mail(kind, message="Phone us before noon.")
    text = render(row, now=NOW)
    words = " ".join(text.body.split())
    assert "24 November 2026, 10:30, Europe/Brussels (UTC+01:00)" in words
    assert re.search(r"What to do now: 1\. .+ 2\. .+", words)
    assert "Call +32 2 123 45 67 or write to help@keydesk.example." in words
    assert "The Security team wrote: Phone us before noon." in words
    assert 'href="tel:+3221234567"' in text.html
    assert 'href="mailto:help@keydesk.example"' in text.html
    assert "do not have to do anything" not in words


@pytest.mark.parametrize(
    ("what", "subject", "act"),
    [
        ("secret", "Action needed: a leaked secret of Meterstanden-koppeling was revoked", "revoked"),
        ("key", "Action needed: a leaked key of Meterstanden-koppeling was revoked", "revoked"),
        ("token", "A leaked token of Meterstanden-koppeling was invalidated", "invalidated"),
    ],
)
def test_a_leak_is_told_by_what_leaked(what: str, subject: str, act: str) -> None:
    row = mail(Mail.Kind.LEAK_REVOKED)
    row.facts["what"] = what
    text = render(row, now=NOW)
    assert text.subject == subject
    assert f"The Security team {act} this {what}" in " ".join(text.body.split())


def test_doing_nothing_is_advised_only_where_nothing_has_to_be_done() -> None:
    nothing = "Then you do not have to do anything."
    for action, words in mail_words.WORDS.items():
        row = mail(Mail.Kind.CLIENT_CHANGED)
        row.facts["action"] = action
        body = " ".join(render(row, now=NOW).body.split())
        assert (nothing in body) == (not words.todo), action
        assert str(words.todo) in body
        for staff in ("by", "by_email", "by_id"):
            row.facts.pop(staff)
        assert nothing not in render(row, now=NOW).body


@pytest.mark.parametrize(
    ("action", "subject"),
    [
        ("secret.regenerated", "Meterstanden-koppeling: new secret made"),
        ("secret.viewed", "Client secret viewed: Meterstanden-koppeling"),
        ("key.added", "Meterstanden-koppeling: new key added"),
        ("client.id_changed", "Meterstanden-koppeling: new client id"),
        ("client.contact_removed", "Meterstanden-koppeling: contact removed"),
    ],
)
def test_the_subject_of_a_change_is_the_act(action: str, subject: str) -> None:
    row = mail(Mail.Kind.CLIENT_CHANGED)
    row.facts["action"] = action
    assert render(row, now=NOW).subject == subject


def test_a_secret_that_goes_on_for_a_while_is_not_said_to_have_stopped() -> None:
    row = mail(Mail.Kind.CLIENT_CHANGED)
    row.facts |= {"action": "secret.regenerated", "until": (NOW + timedelta(days=7)).isoformat()}
    body = " ".join(render(row, now=NOW).body.split())
    assert "The old secret stops working on 1 December 2026, 10:30." in body
    assert "has stopped working" not in body


def test_an_act_is_told_with_the_network_and_the_browser_it_came_from() -> None:
    row = mail(Mail.Kind.CLIENT_CHANGED)
    assert "Network: 192.0.2.0/24\nBrowser: Firefox, Windows" in render(row, now=NOW).body
    row.facts["new_network"] = True
    assert "Network: 192.0.2.0/24 (new for this person)" in render(row, now=NOW).body


def test_a_mail_that_waited_in_the_outbox_over_an_upgrade_is_still_sent() -> None:
    row = mail(Mail.Kind.CLIENT_CHANGED)
    for action in ("secret.viewed", "incident.revoked", "gone.in_this_version"):
        row.facts = {"action": action, "subject": "x", "detail": "", "by": "Lotte <l@x.example>", "at": NOW.isoformat()}
        assert "Lotte" in render(row, now=NOW).body


def test_a_passkeys_mail_says_in_its_subject_what_was_done() -> None:
    row = mail(Mail.Kind.PASSKEY_CHANGED)
    assert render(row, now=NOW).subject == "Passkey added to your Keydesk account"
    row.facts["action"] = "passkey.removed"
    assert render(row, now=NOW).subject == "Passkey removed from your Keydesk account"


@pytest.mark.parametrize("kind", KINDS)
def test_every_address_in_a_mail_is_a_link(kind) -> None:
    html = rendered(kind).html
    assert len(re.findall(r">\s*http://", html)) == len(re.findall(r"<a [^>]*>\s*http://", html))


def test_a_mail_about_a_change_says_who_did_what_and_what_if_nobody_did() -> None:
    text = rendered(Mail.Kind.CLIENT_CHANGED)
    assert "viewed the client secret …4f2a" in text.body
    assert "24 November 2026, 10:30" in text.body
    assert "Invalidate all tokens" in text.body


@pytest.mark.parametrize(
    ("language", "sentence"), [("en", "viewed the client secret"), ("nl", "heeft het clientgeheim")]
)
@pytest.mark.parametrize("of_the_worker", ["en", "fr"])
def test_what_happened_is_told_in_the_readers_language(language: str, sentence: str, of_the_worker: str) -> None:
    with translation.override(of_the_worker):
        assert sentence in rendered(Mail.Kind.CLIENT_CHANGED, language=language).body


def test_a_reviewers_message_keeps_its_lines_and_is_escaped_in_html() -> None:
    text = rendered(Mail.Kind.CHANGES_REQUESTED, message="Why?\n\n<script>alert(1)</script>")
    assert "Why?\n\n<script>" in text.body
    assert "<script>" not in text.html


def test_a_message_about_a_decided_request_asks_for_no_answer() -> None:
    row = mail(Mail.Kind.NEW_MESSAGE)
    for status, answered in ((Registration.Status.SUBMITTED, True), (Registration.Status.REJECTED, False)):
        row.registration.status = status
        text = render(row, now=NOW)
        for part in (" ".join(text.body.split()), text.html):
            assert ("Read and answer it on the page of the request." in part) == answered
            assert ("Read it on the page of the request." in part) != answered


def test_an_expiry_mail_names_the_key_and_the_moment() -> None:
    text = rendered(Mail.Kind.CREDENTIAL_EXPIRES)
    assert "6 December 2026" in text.subject
    assert "6 December 2026, 10:30" in " ".join(text.body.split())
    assert "mkwX4FvSiD9hDseULapW8TB76U0" in text.body


TYPED = "Log in at https://evil.example (Security team)"


@pytest.mark.parametrize("part", ["subject", "body", "html"])
def test_the_mail_with_a_code_has_nothing_that_was_typed(part: str, settings) -> None:
    settings.SERVICE_NAME, settings.ORGANISATION_NAME = "Our service", "Our organisation"
    names = dict.fromkeys(("client_name", "organisation", "contact_name", "purpose", "reference"), TYPED)
    content = factories.content(**names, contact_email="victim@bank.example")
    asked = client_requests.submit(content=content, language="en", by=factories.SYSTEM, now=NOW)
    row = Mail.objects.get()
    text = getattr(render(row, now=NOW, code="123456"), part)
    assert "evil" not in text
    assert "Hello " not in text
    if part != "subject":
        assert all(said in text for said in ("Hello,", asked.number, "Our service", "Our organisation", "123456"))


def test_who_was_never_here_is_greeted_without_a_name() -> None:
    row = mail(Mail.Kind.CONTACT_ADDED, name=TYPED)
    row.link = management_links.issue(user=row.user, now=NOW)
    assert "Hello,\n" in render(row, now=NOW, link_url=management_links.url(row.link)).body
    row.user.last_login = NOW
    assert "Hello Log in" in render(row, now=NOW, link_url=management_links.url(row.link)).body
