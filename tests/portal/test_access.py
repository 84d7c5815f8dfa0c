"""Every address and every role: one row each. A new address without a row fails here.

200 the page, 302 elsewhere (to sign in, or after an act), 404 not for you, 400/405/422 reached, but not asked rightly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.portal.support import browsers, staff
from tests.support import factories
from tests.support.factories import bram, lotte, noor, wim

pytestmark = pytest.mark.django_db

VARIES = re.compile(r'name="csrfmiddlewaretoken" value="\w+"|data-(?:idle|last)="\d+"')
ROLES = ("anonymous", "owner", "stranger", "invited", "security", "auditor")
# owner: a contact, and the object is hers. stranger: a contact of another client. invited: a Security team member who
# came in by a mailed link alone.

# name: (GET, POST), in the order of ROLES
MATRIX = {
    "landing": ("200 200 200 302 200 200", "405 405 405 302 405 405"),
    "accessibility": ("200 200 200 302 200 200", "405 405 405 302 405 405"),
    "privacy": ("200 200 200 302 200 200", "405 405 405 302 405 405"),
    "request_client": ("200 200 200 302 200 200", "422 422 422 302 422 422"),
    "confirm_request": ("404 302 404 302 404 404", "404 302 404 302 404 404"),
    "ask_link": ("200 200 200 302 200 200", "422 422 422 302 422 422"),
    "link_sent": ("200 200 200 302 200 200", "405 405 405 302 405 405"),
    "open_link": ("404 404 404 302 404 404", "404 404 404 302 404 404"),
    "why": ("200 200 404 302 200 404", "405 405 405 302 405 405"),
    "my_requests": ("302 200 200 302 404 404", "302 405 405 302 404 404"),
    "my_request": ("302 200 404 302 404 404", "302 422 404 302 404 404"),
    "edit_request": ("302 302 404 302 404 404", "302 302 404 302 404 404"),
    "withdraw_request": ("302 200 404 302 404 404", "302 302 404 302 404 404"),
    "home": ("302 200 200 302 404 404", "302 405 405 302 404 404"),
    "client": ("302 200 404 302 404 404", "302 405 405 302 404 404"),
    "change_client_id": ("302 200 404 302 404 404", "302 302 404 302 404 404"),
    "client_history": ("302 200 404 302 404 404", "302 405 405 302 404 404"),
    "propose_change": ("302 200 404 302 404 404", "302 422 404 302 404 404"),
    "reveal_secret": ("302 302 404 302 404 404", "302 302 404 302 404 404"),
    "shown_secret": ("302 200 404 302 404 404", "302 405 405 302 404 404"),
    "regenerate_secret": ("302 200 404 302 404 404", "302 422 404 302 404 404"),
    "end_secret": ("302 200 404 302 404 404", "302 302 404 302 404 404"),
    "secret_authentication": ("302 200 404 302 404 404", "302 302 404 302 404 404"),
    "add_key": ("302 200 404 302 404 404", "302 422 404 302 404 404"),
    "confirm_key": ("302 302 404 302 404 404", "302 302 404 302 404 404"),
    "key": ("302 200 404 302 404 404", "302 405 405 302 404 404"),
    "activate_key": ("302 302 404 302 404 404", "302 302 404 302 404 404"),
    "retire_key": ("302 200 404 302 404 404", "302 422 404 302 404 404"),
    "tokens": ("302 200 404 302 404 404", "302 405 405 302 404 404"),
    "revoke_token": ("302 302 404 302 404 404", "302 404 404 302 404 404"),
    "invalidate_tokens": ("302 200 404 302 404 404", "302 302 404 302 404 404"),
    "invalidate_issued_to": ("302 200 404 302 404 404", "302 302 404 302 404 404"),
    "contacts": ("302 200 404 302 404 404", "302 422 404 302 404 404"),
    "change_contact_role": ("302 302 404 302 404 404", "302 302 404 302 404 404"),
    "proposed_contact": ("302 200 404 302 404 404", "302 302 404 302 404 404"),
    "remove_contact": ("302 200 404 302 404 404", "302 302 404 302 404 404"),
    "passkeys": ("302 200 200 302 404 404", "302 405 405 302 404 404"),
    "add_passkey": ("302 302 302 302 404 404", "302 302 302 302 404 404"),
    "new_passkey": ("302 302 302 302 404 404", "302 302 302 302 404 404"),
    "remove_passkey": ("302 404 404 302 404 404", "302 404 404 302 404 404"),
    "dry_run": ("302 200 404 302 404 404", "302 422 404 302 404 404"),
    "journal": ("302 200 200 302 404 404", "302 405 405 302 404 404"),
    "dashboard": ("302 404 404 302 200 404", "302 404 404 302 405 404"),
    "queue": ("302 404 404 302 200 404", "302 404 404 302 405 404"),
    "review": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "write_message": ("302 404 404 302 302 404", "302 404 404 302 422 404"),
    "all_clients": ("302 404 404 302 200 404", "302 404 404 302 405 404"),
    "export_clients": ("302 404 404 302 302 404", "302 404 404 302 200 404"),
    "staff_client": ("302 404 404 302 200 404", "302 404 404 302 405 404"),
    "client_settings": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "client_scopes": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "add_client_contact": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "remove_client_contact": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "client_journal": ("302 404 404 302 200 404", "302 404 404 302 405 404"),
    "contact_sessions": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "change_client_contact": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "staff_retire_key": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "staff_end_secret": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "staff_invalidate_tokens": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "change_client_status": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "scopes": ("302 404 404 302 200 404", "302 404 404 302 405 404"),
    "create_scope": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "change_scope": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "ease_scope": ("302 404 404 302 302 404", "302 404 404 302 302 404"),
    "retire_scope": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "create_api": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "change_api": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "proposals": ("302 404 404 302 200 404", "302 404 404 302 405 404"),
    "proposal": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "incident": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "revoke_leak": ("302 404 404 302 302 404", "302 404 404 302 404 404"),
    "undelivered": ("302 404 404 302 200 404", "302 404 404 302 405 404"),
    "retry_mail": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "change_log": ("302 404 404 302 200 200", "302 404 404 302 405 405"),
    "log_entry": ("302 404 404 302 200 200", "302 404 404 302 405 405"),
    "client_past": ("302 404 404 302 200 200", "302 404 404 302 405 405"),
    "verify_log": ("302 404 404 302 200 200", "302 404 404 302 302 302"),
    "verification": ("302 404 404 302 200 200", "302 404 404 302 405 405"),
    "signed_checkpoints": ("302 404 404 302 200 200", "302 404 404 302 405 405"),
    "log_export": ("302 404 404 302 302 302", "302 404 404 302 200 200"),
    "docs": ("200 200 200 302 200 200", "405 405 405 302 405 405"),
    "docs_page": ("200 200 200 302 200 200", "405 405 405 302 405 405"),
    "docs_sample": ("200 200 200 302 200 200", "405 405 405 302 405 405"),
    "account_login": ("200 302 302 302 302 302", "200 302 302 302 302 302"),
    "account_inactive": ("200 200 200 302 200 200", "405 405 405 302 405 405"),
    "account_reauthenticate": ("302 404 404 200 200 200", "302 404 404 200 200 200"),
    "staff_setup": ("302 404 404 200 404 404", "302 404 404 422 404 404"),
    "sign_out": ("302 302 302 302 302 302", "302 302 302 302 302 302"),
    "session_ends": ("200 200 200 302 200 200", "200 200 200 302 200 200"),
    "sessions": ("302 200 200 302 200 200", "302 405 405 302 405 405"),
    "end_sessions": ("302 302 302 302 302 302", "302 302 302 302 302 302"),
    "end_session": ("302 302 302 302 302 302", "302 302 302 302 302 302"),
    "set_language": ("405 405 405 405 405 405", "302 302 302 302 302 302"),
    "mfa_index": ("302 404 404 302 200 200", "302 404 404 302 405 405"),
    "mfa_authenticate": ("302 404 404 302 302 302", "302 404 404 302 302 302"),
    "mfa_reauthenticate": ("302 404 404 302 302 302", "302 404 404 302 302 302"),
    "mfa_activate_totp": ("302 404 404 302 302 302", "302 404 404 302 302 302"),
    "mfa_deactivate_totp": ("302 404 404 302 404 404", "302 404 404 302 404 404"),
    "mfa_view_recovery_codes": ("302 404 404 404 404 404", "302 404 404 405 405 405"),
    "mfa_generate_recovery_codes": ("302 404 404 302 302 302", "302 404 404 302 302 302"),
    "mfa_download_recovery_codes": ("302 404 404 404 404 404", "302 404 404 404 404 404"),
    "mfa_list_webauthn": ("302 404 404 302 200 200", "302 404 404 302 405 405"),
    "mfa_add_webauthn": ("302 404 404 302 302 302", "302 404 404 302 302 302"),
    "mfa_reauthenticate_webauthn": ("302 404 404 302 302 302", "302 404 404 302 302 302"),
    "mfa_remove_webauthn": ("302 404 404 302 302 302", "302 404 404 302 302 302"),
    "mfa_edit_webauthn": ("302 404 404 302 302 302", "302 404 404 302 302 302"),
    "mfa_login_webauthn": ("302 302 302 302 302 302", "302 302 302 302 302 302"),
    "socialaccount_login_cancelled": ("200 200 200 302 200 200", "405 405 405 302 405 405"),
    "socialaccount_login_error": ("302 401 401 302 401 401", "302 405 405 302 405 405"),
    "socialaccount_signup": ("302 302 302 302 302 302", "302 302 302 302 302 302"),
    "openid_connect_login": ("404 404 404 302 404 404", "404 404 404 302 404 404"),
    "openid_connect_callback": ("404 404 404 302 404 404", "404 404 404 302 404 404"),
}

# Those whose address names a client and nothing else that the matrix has to fill in.
OF_A_CLIENT = {
    "add_client_contact", "add_key", "change_client_id", "client", "client_history", "client_journal", "client_past",
    "client_scopes", "client_settings", "confirm_key", "contacts", "dry_run", "invalidate_tokens", "propose_change",
    "regenerate_secret", "reveal_secret", "revoke_token", "secret_authentication", "shown_secret", "staff_client",
    "staff_invalidate_tokens", "tokens",
}  # fmt: skip


def addresses() -> Iterator[str]:
    """The names of all addresses the site routes; the gallery exists in DEBUG only."""

    def walk(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns)
            else:
                yield pattern.name or str(pattern.pattern)

    return walk(get_resolver().url_patterns)


def arguments(name: str, things: dict[str, Any]) -> dict[str, object]:
    """What fills the address of this name; an address without parameters needs nothing."""
    mine, registration = things["client"], things["registration"]
    of_a_key, of_a_contact = (
        {"uid": mine.uid, "key": things["key"].uid},
        {"uid": mine.uid, "contact": things["contact"].uid},
    )
    known: dict[str, dict[str, object]] = {
        "activate_key": of_a_key,
        "change_api": {"identifier": "addresses"},
        "change_client_contact": {**of_a_contact, "act": "link"},
        "change_client_status": {"uid": mine.uid, "act": "suspend"},
        "change_contact_role": of_a_contact,
        "change_scope": {"pk": things["scope"].pk},
        "confirm_request": {"uid": registration.uid},
        "contact_sessions": of_a_contact,
        "docs_page": {"slug": "get-a-token"},
        "docs_sample": {"topic": "client_secret_basic", "filename": "GetToken.cs"},
        "ease_scope": {"pk": things["scope"].pk},
        "edit_request": {"uid": registration.uid},
        "end_session": {"uid": uuid4()},
        "staff_retire_key": of_a_key,
        "staff_end_secret": {"uid": mine.uid, "secret": mine.secrets.get().uid},
        "end_secret": {"uid": mine.uid, "secret": mine.secrets.get().uid},
        "invalidate_issued_to": {"uid": mine.uid, "credential": things["key"].uid},
        "key": of_a_key,
        "log_entry": {"seq": 1},
        "mfa_edit_webauthn": {"pk": 1},
        "mfa_remove_webauthn": {"pk": 1},
        "my_request": {"uid": registration.uid},
        "open_link": {"token": "x" * 43},
        "openid_connect_callback": {"provider_id": "sso"},
        "openid_connect_login": {"provider_id": "sso"},
        "proposal": {"uid": things["proposal"].uid},
        "proposed_contact": {"uid": mine.uid, "proposal": things["proposal"].uid},
        "remove_client_contact": of_a_contact,
        "remove_contact": of_a_contact,
        "remove_passkey": {"pk": 1},
        "retire_key": of_a_key,
        "retire_scope": {"pk": things["scope"].pk},
        "retry_mail": {"uid": things["mail"].pk},
        "verification": {"uid": things["verification"].pk},
        "review": {"uid": registration.uid},
        "why": {"number": things["refusal"].request_id},
        "withdraw_request": {"uid": registration.uid},
        "write_message": {"uid": registration.uid},
    }
    return known.get(name) or ({"uid": mine.uid} if name in OF_A_CLIENT else {})


def browser_of(role: str) -> Client:
    return {
        "anonymous": lambda: Client(),
        "owner": lambda: browsers.of(lotte()),
        "stranger": lambda: browsers.of(wim()),
        "invited": lambda: staff.signed_in(bram(), method="link"),
        "security": lambda: staff.signed_in(noor()),
        "auditor": lambda: staff.signed_in(factories.ada()),
    }[role]()


def test_every_address_has_a_row_and_every_row_an_address():
    assert set(addresses()) == set(MATRIX)


@pytest.mark.parametrize("role", ROLES)
def test_the_matrix(things, role):
    wrong = []
    for name, rows in MATRIX.items():
        for method, row in zip(("get", "post"), rows, strict=True):
            expected = int(row.split()[ROLES.index(role)])
            with transaction.atomic():
                browser = browser_of(role)
                answered = getattr(browser, method)(reverse(name, kwargs=arguments(name, things))).status_code
                transaction.set_rollback(True)  # what one address does must not change what the next one answers
            if answered != expected:
                wrong.append(f"{method.upper()} {name}: {answered}, not {expected}")
    assert not wrong, "\n".join(wrong)


def test_no_form_is_answered_with_a_page_so_back_sends_nothing_again() -> None:
    """But for files and JSON, and for what the library answers to a wrong password."""
    answered = {name for name, (_get, post) in MATRIX.items() if "200" in post.split()}
    assert answered <= {"log_export", "export_clients", "session_ends", "account_login", "account_reauthenticate"}


def test_a_stranger_learns_nothing_from_the_answer(things):
    """The page for somebody else's client is the one for a client that does not exist."""
    stranger = browsers.of(wim())

    def page(uid: UUID) -> str:
        answer = stranger.get(reverse("client", kwargs={"uid": uid}))
        assert answer.status_code == 404
        # What differs in any two pages: the address that was asked for, the masks of the CSRF token, the seconds left.
        return VARIES.sub("", answer.text.replace(str(uid), "UID").replace(answer["X-Request-Id"], "REQUEST"))

    assert page(things["client"].uid) == page(uuid4())
