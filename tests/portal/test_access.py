"""Every address and every role: one row each. A new address without a row fails here.

200 the page, 302 elsewhere (to sign in, or after an act), 404 not for you, 400/405/422 reached, but not asked rightly.
"""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from tests.portal.support import browsers, staff
from tests.portal.support.addresses import addresses, arguments
from tests.portal.support.html import leading_nowhere
from tests.support import factories
from tests.support.factories import bram, lotte, noor, wim

pytestmark = pytest.mark.django_db

VARIES = re.compile(r'name="csrfmiddlewaretoken" value="\w+"|data-(?:idle|last)="\d+"')
ROLES = ("anonymous", "owner", "stranger", "invited", "security", "auditor", "api_owner")
# owner: a contact, and the object is hers. stranger: a contact of another client. invited: a Security team member who
# came in by a mailed link alone.

FORMS_OF_OWNERS = (
    "detach", "write", "request", "proposal", "create_webhook", "webhook_secret", "remove_webhook", "retry_delivery",
)  # fmt: skip
SECOND_FACTORS = (
    "mfa_authenticate", "mfa_reauthenticate", "mfa_activate_totp", "mfa_generate_recovery_codes", "mfa_add_webauthn",
    "mfa_reauthenticate_webauthn", "mfa_remove_webauthn", "mfa_edit_webauthn",
)  # fmt: skip
# name: (GET, POST), in the order of ROLES. A row without a last column: owners of APIs as auditors, but 404 on the log.
MATRIX: dict[str, tuple[str, str]] = {
    **{f"owner:{name}": ("302 404 404 302 404 404 200", "302 404 404 302 404 404 422") for name in FORMS_OF_OWNERS},
    "owner:apis": ("302 404 404 302 404 404 302", "302 404 404 302 404 404 405"),
    "owner:api": ("302 404 404 302 404 404 200", "302 404 404 302 404 404 405"),
    "owner:export_callers": ("302 404 404 302 404 404 302", "302 404 404 302 404 404 200"),
    "owner:webhook": ("302 404 404 302 404 404 200", "302 404 404 302 404 404 405"),
    "security:api_owners": ("302 404 404 302 200 404 404", "302 404 404 302 422 404 404"),
    "public:landing": ("200 200 200 302 200 200", "405 405 405 302 405 405"),
    "public:accessibility": ("200 200 200 302 200 200", "405 405 405 302 405 405"),
    "public:privacy": ("200 200 200 302 200 200", "405 405 405 302 405 405"),
    "public:leaked": ("200 200 200 302 200 200", "422 422 422 302 422 422"),
    "public:request_client": ("200 200 200 302 200 200", "422 422 422 302 422 422"),
    "public:confirm_request": ("404 302 404 302 404 404", "404 302 404 302 404 404"),
    "public:ask_link": ("200 200 200 302 200 200", "422 422 422 302 422 422"),
    "public:link_sent": ("200 200 200 302 200 200", "405 405 405 302 405 405"),
    "public:calendar_feed": ("404 404 404 302 404 404", "405 405 405 302 405 405"),
    "public:open_link": ("404 404 404 302 404 404", "404 404 404 302 404 404"),
    "public:why": ("200 200 404 302 200 404", "405 405 405 302 405 405"),
    "contact:requests": ("302 200 200 302 404 404", "302 405 405 302 404 404"),
    "contact:request": ("302 200 404 302 404 404", "302 422 404 302 404 404"),
    "contact:edit_request": ("302 302 404 302 404 404", "302 302 404 302 404 404"),
    "contact:withdraw_request": ("302 200 404 302 404 404", "302 302 404 302 404 404"),
    "contact:clients": ("302 200 200 302 404 404", "302 405 405 302 404 404"),
    "contact:client": ("302 200 404 302 404 404", "302 405 405 302 404 404"),
    "contact:credentials": ("302 200 404 302 404 404", "302 405 405 302 404 404"),
    "contact:change_client_id": ("302 200 404 302 404 404", "302 302 404 302 404 404"),
    "contact:client_history": ("302 200 404 302 404 404", "302 405 405 302 404 404"),
    "contact:propose_change": ("302 200 404 302 404 404", "302 422 404 302 404 404"),
    "contact:reveal_secret": ("302 302 404 302 404 404", "302 302 404 302 404 404"),
    "contact:shown_secret": ("302 200 404 302 404 404", "302 405 405 302 404 404"),
    "contact:regenerate_secret": ("302 200 404 302 404 404", "302 422 404 302 404 404"),
    "contact:end_secret": ("302 200 404 302 404 404", "302 302 404 302 404 404"),
    "contact:secret_authentication": ("302 200 404 302 404 404", "302 302 404 302 404 404"),
    "contact:add_key": ("302 200 404 302 404 404", "302 422 404 302 404 404"),
    "contact:confirm_key": ("302 302 404 302 404 404", "302 302 404 302 404 404"),
    "contact:jwks_uri": ("302 200 404 302 404 404", "302 422 404 302 404 404"),
    "contact:remove_jwks_uri": ("302 302 404 302 404 404", "302 302 404 302 404 404"),
    "contact:key": ("302 200 404 302 404 404", "302 405 405 302 404 404"),
    "contact:activate_key": ("302 302 404 302 404 404", "302 302 404 302 404 404"),
    "contact:retire_key": ("302 200 404 302 404 404", "302 422 404 302 404 404"),
    "contact:add_trust": ("302 200 404 302 404 404", "302 422 404 302 404 404"),
    "contact:confirm_trust": ("302 302 404 302 404 404", "302 302 404 302 404 404"),
    "contact:extend_trust": ("302 302 404 302 404 404", "302 302 404 302 404 404"),
    "contact:remove_trust": ("302 200 404 302 404 404", "302 302 404 302 404 404"),
    "contact:end_added": ("302 200 404 302 404 404", "302 302 404 302 404 404"),
    "contact:self_service": ("302 200 404 302 404 404", "302 422 404 302 404 404"),
    "contact:networks": ("302 200 404 302 404 404", "302 302 404 302 404 404"),
    "contact:recertify": ("302 200 404 302 404 404", "302 302 404 302 404 404"),
    "contact:keep_unused": ("302 405 405 302 404 404", "302 302 404 302 404 404"),
    "contact:undo_unused": ("302 405 405 302 404 404", "302 302 404 302 404 404"),
    "contact:network": ("302 200 404 302 404 404", "302 302 404 302 404 404"),
    "contact:label": ("302 200 404 302 404 404", "302 302 404 302 404 404"),
    "contact:tokens": ("302 200 404 302 404 404", "302 405 405 302 404 404"),
    "contact:revoke_token": ("302 302 404 302 404 404", "302 404 404 302 404 404"),
    "contact:invalidate_tokens": ("302 200 404 302 404 404", "302 302 404 302 404 404"),
    "contact:invalidate_issued_to": ("302 200 404 302 404 404", "302 302 404 302 404 404"),
    "contact:contacts": ("302 200 404 302 404 404", "302 422 404 302 404 404"),
    "contact:change_contact_role": ("302 302 404 302 404 404", "302 302 404 302 404 404"),
    "contact:proposed_contact": ("302 200 404 302 404 404", "302 302 404 302 404 404"),
    "contact:remove_contact": ("302 200 404 302 404 404", "302 302 404 302 404 404"),
    "contact:passkeys": ("302 200 200 302 404 404", "302 405 405 302 404 404"),
    "contact:add_passkey": ("302 302 302 302 404 404", "302 302 302 302 404 404"),
    "contact:new_passkey": ("302 302 302 302 404 404", "302 302 302 302 404 404"),
    "contact:remove_passkey": ("302 404 404 302 404 404", "302 404 404 302 404 404"),
    "contact:phone": ("302 200 200 302 404 404", "302 302 302 302 404 404"),
    "contact:calendar": ("302 200 200 302 404 404", "302 302 302 302 404 404"),
    "contact:first_token": ("302 200 404 302 404 404", "302 200 404 302 404 404"),
    "contact:first_token_live": ("302 200 404 302 404 404", "302 405 405 302 404 404"),
    "contact:dry_run": ("302 200 404 302 404 404", "302 422 404 302 404 404"),
    "contact:failures": ("302 200 200 302 404 404", "302 405 405 302 404 404"),
    "security:dashboard": ("302 404 404 302 200 404", "302 404 404 302 405 404"),
    "security:queue_looking": ("302 404 404 302 200 404", "302 404 404 302 405 404"),
    "security:save_view": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:remove_view": ("302 404 404 302 302 404", "302 404 404 302 302 404"),
    "security:bulk": ("302 404 404 302 302 404", "302 404 404 302 302 404"),
    "security:reply_texts": ("302 404 404 302 200 404", "302 404 404 302 405 404"),
    "security:create_reply_text": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:reply_text": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:remove_reply_text": ("302 404 404 302 302 404", "302 404 404 302 302 404"),
    "security:claim": ("302 404 404 302 302 404", "302 404 404 302 302 404"),
    "security:looking": ("302 404 404 302 200 404", "302 404 404 302 405 404"),
    "security:queue": ("302 404 404 302 200 404", "302 404 404 302 405 404"),
    "security:review": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:write_message": ("302 404 404 302 302 404", "302 404 404 302 422 404"),
    "security:clients": ("302 404 404 302 200 404", "302 404 404 302 405 404"),
    "security:export_clients": ("302 404 404 302 302 404", "302 404 404 302 200 404"),
    "security:client": ("302 404 404 302 200 404", "302 404 404 302 405 404"),
    "security:client_settings": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:client_scopes": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:add_client_contact": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:remove_client_contact": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:client_failures": ("302 404 404 302 200 404", "302 404 404 302 405 404"),
    "security:contact_account": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:contact_phone": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:contact_sessions": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:change_client_contact": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:retire_key": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:end_secret": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:invalidate_tokens": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:change_client_status": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:scopes": ("302 404 404 302 200 404", "302 404 404 302 405 404"),
    "security:create_scope": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:change_scope": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:ease_scope": ("302 404 404 302 302 404", "302 404 404 302 302 404"),
    "security:retire_scope": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:deprecation": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:export_holders": ("302 404 404 302 302 404", "302 404 404 302 302 404"),
    "security:withdraw_deprecation": ("302 404 404 302 302 404", "302 404 404 302 302 404"),
    "security:create_api": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:change_api": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:issuers": ("302 404 404 302 200 404", "302 404 404 302 405 404"),
    "security:issuer": ("302 404 404 302 200 404", "302 404 404 302 405 404"),
    "security:create_issuer": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:change_issuer": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:fetch_issuer": ("302 404 404 302 405 404", "302 404 404 302 302 404"),
    "security:switch_issuer": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:invite_staff": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:deactivate_staff": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:staff_sessions": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:proposals": ("302 404 404 302 200 404", "302 404 404 302 405 404"),
    "security:proposal": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:incident": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:incident_report": ("302 404 404 302 404 404", "302 404 404 302 405 404"),
    "security:revoke_leak": ("302 404 404 302 302 404", "302 404 404 302 404 404"),
    "security:policy": ("302 404 404 302 200 404", "302 404 404 302 405 404"),
    "security:change_policy": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:outdated_ways": ("302 404 404 302 200 404", "302 404 404 302 405 404"),
    "security:outdated_way": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:notices": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:create_webhook": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:webhook": ("302 404 404 302 200 404", "302 404 404 302 405 404"),
    "security:webhook_secret": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:remove_webhook": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:retry_delivery": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "security:failed_mail": ("302 404 404 302 200 404", "302 404 404 302 405 404"),
    "security:retry_mail": ("302 404 404 302 200 404", "302 404 404 302 422 404"),
    "auditor:change_log": ("302 404 404 302 200 200", "302 404 404 302 405 405"),
    "auditor:log_entry": ("302 404 404 302 200 200", "302 404 404 302 405 405"),
    "auditor:client_at": ("302 404 404 302 200 200", "302 404 404 302 405 405"),
    "auditor:decided_requests": ("302 404 404 302 200 200", "302 404 404 302 405 405"),
    "auditor:decided_request": ("302 404 404 302 200 200", "302 404 404 302 405 405"),
    "auditor:verify_log": ("302 404 404 302 200 200", "302 404 404 302 302 302"),
    "auditor:verification": ("302 404 404 302 200 200", "302 404 404 302 405 405"),
    "auditor:signed_checkpoints": ("302 404 404 302 200 200", "302 404 404 302 405 405"),
    "auditor:log_export": ("302 404 404 302 302 302", "302 404 404 302 200 200"),
    "auditor:reports": ("302 404 404 302 200 200", "302 404 404 302 405 405"),
    "auditor:recertification": ("302 404 404 302 200 200", "302 404 404 302 405 405"),
    "auditor:export_recertification": ("302 404 404 302 302 302", "302 404 404 302 200 200"),
    "auditor:report_export": ("302 404 404 302 302 302", "302 404 404 302 302 302"),
    "auditor:staff": ("302 404 404 302 200 200", "302 404 404 302 405 405"),
    "auditor:make_package": ("302 404 404 302 200 200", "302 404 404 302 422 422"),
    "auditor:package": ("302 404 404 302 200 200", "302 404 404 302 405 405"),
    "auditor:download_package": ("302 404 404 302 405 405", "302 404 404 302 200 200"),
    "docs:index": ("200 200 200 302 200 200", "405 405 405 302 405 405"),
    "docs:page": ("200 200 200 302 200 200", "405 405 405 302 405 405"),
    "docs:sample": ("200 200 200 302 200 200", "405 405 405 302 405 405"),
    "api:openapi": ("200 200 200 200 200 200", "405 405 405 405 405 405"),
    "api:trusts": ("405 405 405 405 405 405", "401 401 401 401 401 401"),
    "api:trust": ("401 401 401 401 401 401", "405 405 405 405 405 405"),
    "api:key": ("401 401 401 401 401 401", "405 405 405 405 405 405"),
    "api:leaks": ("405 405 405 405 405 405", "404 404 404 404 404 404"),
    "api:bounces": ("405 405 405 405 405 405", "404 404 404 404 404 404"),
    "api:gitlab_types": ("404 404 404 404 404 404", "405 405 405 405 405 405"),
    "api:gitlab_revoke": ("405 405 405 405 405 405", "404 404 404 404 404 404"),
    "api:self": ("401 401 401 401 401 401", "405 405 405 405 405 405"),
    "account_login": ("200 302 302 302 302 302", "422 302 302 302 302 302"),
    "account_inactive": ("200 200 200 302 200 200", "405 405 405 302 405 405"),
    "account_reauthenticate": ("302 404 404 200 200 200", "302 404 404 422 422 422"),
    "account:setup": ("302 404 404 200 404 404", "302 404 404 422 404 404"),
    "account:continue": ("302 302 302 302 404 404", "302 405 405 302 404 404"),
    "account:with": ("404 404 404 302 404 404", "405 405 405 302 405 405"),
    "account:sign_out": ("302 302 302 302 302 302", "302 302 302 302 302 302"),
    "account:session_ends": ("200 200 200 302 200 200", "200 200 200 302 200 200"),
    "account:search": ("200 200 200 302 200 200", "302 302 302 302 302 302"),
    "account:sessions": ("302 200 200 302 200 200", "302 405 405 302 405 405"),
    "account:end_sessions": ("302 302 302 302 302 302", "302 302 302 302 302 302"),
    "account:end_session": ("302 302 302 302 302 302", "302 302 302 302 302 302"),
    "account:set_language": ("405 405 405 405 405 405", "302 302 302 302 302 302"),
    **dict.fromkeys(SECOND_FACTORS, ("302 404 404 302 302 302", "302 404 404 302 302 302")),
    "mfa_index": ("302 404 404 302 200 200", "302 404 404 302 405 405"),
    "mfa_deactivate_totp": ("302 404 404 302 404 404", "302 404 404 302 404 404"),
    "mfa_view_recovery_codes": ("302 404 404 404 404 404", "302 404 404 405 405 405"),
    "mfa_download_recovery_codes": ("302 404 404 404 404 404", "302 404 404 404 404 404"),
    "mfa_list_webauthn": ("302 404 404 302 200 200", "302 404 404 302 405 405"),
    "mfa_login_webauthn": ("302 302 302 302 302 302", "302 302 302 302 302 302"),
    "socialaccount_login_cancelled": ("200 200 200 302 200 200", "405 405 405 302 405 405"),
    "socialaccount_login_error": ("302 401 401 302 401 401", "302 405 405 302 405 405"),
    "socialaccount_signup": ("302 302 302 302 302 302", "302 302 302 302 302 302"),
    "openid_connect_login": ("404 404 404 302 404 404", "404 404 404 302 404 404"),
    "openid_connect_callback": ("404 404 404 302 404 404", "404 404 404 302 404 404"),
}


def _whole(name: str, row: str) -> str:
    codes = row.split()
    return row if len(codes) == len(ROLES) else f"{row} {'404' if name.startswith('auditor:') else codes[-1]}"


MATRIX = {name: (_whole(name, on_get), _whole(name, on_post)) for name, (on_get, on_post) in MATRIX.items()}


def browser_of(role: str) -> Client:
    return {
        "anonymous": lambda: Client(),
        "owner": lambda: browsers.of(lotte()),
        "stranger": lambda: browsers.of(wim()),
        "invited": lambda: staff.signed_in(bram(), method="link"),
        "security": lambda: staff.signed_in(noor()),
        "auditor": lambda: staff.signed_in(factories.ada()),
        "api_owner": lambda: staff.signed_in(factories.elif_()),
    }[role]()


def test_every_address_has_a_row_and_every_row_an_address():
    """But for those of the API: tests/portal/api/test_scopes.py has a row for each operation."""
    assert set(addresses()) - set(MATRIX) <= {name for name in addresses() if name.startswith("api:")}
    assert set(MATRIX) <= set(addresses())


@pytest.mark.parametrize("role", ROLES)
def test_the_matrix(things, role):
    wrong, signed_in = [], browser_of(role)
    for name, rows in MATRIX.items():
        for method, row in zip(("get", "post"), rows, strict=True):
            expected = int(row.split()[ROLES.index(role)])
            with transaction.atomic():
                browser = Client()
                browser.cookies.load(signed_in.cookies.output(header="", sep=";"))
                answer = getattr(browser, method)(reverse(name, kwargs=arguments(name, things)))
                transaction.set_rollback(True)  # what one address does must not change what the next one answers
            if answer.status_code != expected:
                wrong.append(f"{method.upper()} {name}: {answer.status_code}, not {expected}")
            wrong += [f"{method.upper()} {name}: {tag}" for tag in leading_nowhere(answer)]
    assert not wrong, "\n".join(wrong)


def test_no_form_is_answered_with_a_page_so_back_sends_nothing_again() -> None:
    """But for files and JSON, and for what the library answers to a wrong password.

    The commands with the secret in them are in no GET: their page takes the POST out of the history
    (tests/e2e/pages/test_back.py).
    """
    answered = {name for name, (_get, post) in MATRIX.items() if "200" in post.split()}
    assert answered <= {
        "contact:first_token", "auditor:log_export", "auditor:download_package", "security:export_clients",
        "auditor:export_recertification", "owner:export_callers", "account:session_ends", "account_login",
        "account_reauthenticate",
    }  # fmt: skip


def test_a_stranger_learns_nothing_from_the_answer(things):
    """The page for somebody else's client is the one for a client that does not exist."""
    stranger = browsers.of(wim())

    def page(uid: UUID) -> str:
        answer = stranger.get(reverse("contact:client", kwargs={"uid": uid}))
        assert answer.status_code == 404
        # Differences of any two pages: the address that was asked for, the masks of the CSRF token, the seconds left.
        return VARIES.sub("", answer.text.replace(str(uid), "UID").replace(answer["X-Request-Id"], "REQUEST"))

    assert page(things["client"].uid) == page(uuid4())
