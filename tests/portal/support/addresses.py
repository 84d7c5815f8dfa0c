"""Names of all addresses, and arguments of those in the access matrix (tests/portal/test_access.py)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

from django.urls import URLPattern, URLResolver, get_resolver

# Those whose address names a client and nothing else that the matrix has to fill in.
OF_A_CLIENT = {
    "security:add_client_contact", "contact:jwks_uri", "contact:remove_jwks_uri",
    "contact:add_key", "contact:add_trust", "contact:confirm_trust", "contact:change_client_id", "contact:client",
    "contact:credentials", "contact:client_history", "security:client_failures", "auditor:client_at",
    "security:client_scopes", "security:client_settings", "contact:confirm_key", "contact:contacts",
    "contact:dry_run", "contact:first_token", "contact:first_token_live",
    "contact:invalidate_tokens", "contact:propose_change",
    "contact:regenerate_secret", "contact:reveal_secret", "contact:revoke_token", "contact:secret_authentication",
    "contact:shown_secret", "contact:self_service", "contact:networks",
    "contact:keep_unused", "contact:undo_unused", "contact:recertify",
    "security:client", "security:incident_report", "security:invalidate_tokens", "contact:tokens",
}  # fmt: skip


def addresses() -> Iterator[str]:
    """The names of all addresses the site routes; the gallery exists in DEBUG only."""

    def walk(patterns: list[URLPattern | URLResolver], area: str = "") -> Iterator[str]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, f"{pattern.namespace}:" if pattern.namespace else area)
            else:
                yield f"{area}{pattern.name}" if pattern.name else str(pattern.pattern)

    return walk(get_resolver().url_patterns)


def arguments(name: str, things: dict[str, Any]) -> dict[str, object]:
    """Return the arguments of the address with this name; none for an address without parameters."""
    mine = {"uid": things["client"].uid}
    known = {**FIXED, **of_a_part(mine, things), **of_a_request(things["registration"].uid), **of_the_site(things)}
    return known.get(name) or (mine if name in OF_A_CLIENT else {})


FIXED: dict[str, dict[str, object]] = {
    "security:change_api": {"identifier": "addresses"},
    "security:api_owners": {"identifier": "addresses"},
    "owner:api": {"identifier": "addresses"},
    "owner:export_callers": {"identifier": "addresses"},
    "owner:write": {"identifier": "addresses"},
    "owner:create_webhook": {"identifier": "addresses"},
    "docs:page": {"slug": "get-a-token"},
    "docs:sample": {"topic": "client_secret_basic", "filename": "GetToken.cs"},
    "account:end_session": {"uid": uuid4()},
    "auditor:log_entry": {"seq": 1},
    "security:outdated_way": {"way": "secret"},
    "mfa_edit_webauthn": {"pk": 1},
    "mfa_remove_webauthn": {"pk": 1},
    "contact:remove_passkey": {"pk": 1},
    "public:open_link": {"token": "x" * 43},
    "public:calendar_feed": {"token": "x" * 43},
    "account:with": {"provider_id": "contacts"},
    "openid_connect_callback": {"provider_id": "sso"},
    "openid_connect_login": {"provider_id": "sso"},
}


def of_a_part(mine: dict[str, object], things: dict[str, Any]) -> dict[str, dict[str, object]]:
    """Return the arguments of addresses of a key, a secret, a contact or a status of the client."""
    of_a_key = {**mine, "key": things["key"].uid}
    of_a_secret = {**mine, "secret": things["client"].secrets.get().uid}
    of_a_trust = {**mine, "trust": things["trust"].uid}
    of_a_contact = {**mine, "contact": things["contact"].uid}
    return {
        "api:key": {"uid": things["key"].uid},
        "api:trust": {"uid": things["trust"].uid},
        "api:trust_extend": {"uid": things["trust"].uid},
        "contact:activate_key": of_a_key,
        "contact:key": of_a_key,
        "contact:retire_key": of_a_key,
        "security:retire_key": of_a_key,
        "contact:invalidate_issued_to": {**mine, "credential": things["key"].uid},
        "contact:end_added": {**mine, "credential": things["key"].uid},
        "contact:network": {**mine, "network": things["network"].uid},
        "contact:label": {**mine, "credential": things["key"].uid},
        "contact:extend_trust": of_a_trust,
        "contact:remove_trust": of_a_trust,
        "contact:end_secret": of_a_secret,
        "security:end_secret": of_a_secret,
        "contact:change_contact_role": of_a_contact,
        "contact:remove_contact": of_a_contact,
        "contact:proposed_contact": {**mine, "proposal": things["proposal"].uid},
        "security:change_client_contact": {**of_a_contact, "act": "link"},
        "security:contact_account": of_a_contact,
        "security:contact_phone": of_a_contact,
        "security:contact_sessions": of_a_contact,
        "security:remove_client_contact": of_a_contact,
        "security:change_client_status": {**mine, "act": "suspend"},
    }


def of_a_request(uid: UUID) -> dict[str, dict[str, object]]:
    names = (
        "public:confirm_request", "contact:request", "contact:edit_request", "contact:withdraw_request",
        "security:review", "security:write_message",
        "security:claim", "security:looking",
    )  # fmt: skip
    return {name: {"uid": uid} for name in names}


def of_the_site(things: dict[str, Any]) -> dict[str, dict[str, object]]:
    """Return the arguments of addresses that name no client."""
    of_a_scope = {"pk": things["scope"].pk}
    of_an_issuer = {"uid": things["issuer"].uid}
    of_a_webhook = {"uid": things["delivery"].webhook.uid}
    of_an_api = {"identifier": "addresses"}
    of_its_webhook = {**of_an_api, "uid": things["delivery_of_api"].webhook.uid}
    return {
        "security:reply_text": {"pk": things["reply_text"].pk},
        "security:remove_reply_text": {"pk": things["reply_text"].pk},
        "security:remove_view": {"pk": things["view"].pk},
        "security:issuer": of_an_issuer,
        "security:change_issuer": of_an_issuer,
        "security:fetch_issuer": of_an_issuer,
        "security:switch_issuer": {**of_an_issuer, "act": "disable"},
        "security:change_scope": of_a_scope,
        "security:ease_scope": of_a_scope,
        "security:retire_scope": of_a_scope,
        **{f"security:{name}": of_a_scope for name in ("deprecation", "export_holders", "withdraw_deprecation")},
        "security:proposal": {"uid": things["proposal"].uid},
        "security:staff_sessions": {"uid": things["colleague"].uid},
        "security:deactivate_staff": {"uid": things["colleague"].uid},
        "security:webhook": of_a_webhook,
        "security:webhook_secret": of_a_webhook,
        "security:remove_webhook": of_a_webhook,
        "security:retry_delivery": {"uid": things["delivery"].pk},
        "security:retry_mail": {"uid": things["mail"].pk},
        "owner:detach": {**of_an_api, "uid": things["client"].uid},
        "owner:request": {**of_an_api, "uid": things["registration"].uid},
        "owner:proposal": {**of_an_api, "uid": things["proposed_webhook"].uid},
        "owner:webhook": of_its_webhook,
        "owner:webhook_secret": of_its_webhook,
        "owner:remove_webhook": of_its_webhook,
        "owner:retry_delivery": {**of_an_api, "uid": things["delivery_of_api"].pk},
        "auditor:decided_request": {"uid": things["decided"].uid},
        "auditor:verification": {"uid": things["verification"].pk},
        "auditor:package": {"seq": things["package"].pk},
        "auditor:download_package": {"seq": things["package"].pk},
        "public:why": {"number": things["refusal"].request_id},
    }
