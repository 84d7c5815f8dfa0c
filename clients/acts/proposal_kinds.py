"""The kinds of proposals: the difference that each makes, and the act that carries it out.

A new kind needs a value of Proposal.Kind, its rule here, and a page that proposes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clients import edit_tags
from clients.actors import Actor
from clients.acts import catalogue, lifecycle, policies
from clients.acts.federation import issuers
from clients.acts.people import api_owners, contacts, staff_proposals
from clients.acts.scopes import deprecation
from clients.acts.team import webhooks
from clients.models import Api, Client, ClientContact, Issuer, Proposal, Scope, User
from clients.models.policy import About
from clients.refusal_codes import Code
from foundation import email_addresses
from foundation.refusals import Refusal

Kind = Proposal.Kind
Changes = dict[str, tuple[object, object]]  # field of audit.actions.FIELDS -> before, after
CarryOut = Callable[[Proposal, Actor, str, datetime], None]  # proposal, confirmer, their reason, now


@dataclass(frozen=True)
class Rule:
    """`changes` includes unchanged values that the decision depends on; content_hash is made of all of them.

    `check` refuses what cannot be, when it is proposed.
    """

    changes: Callable[[Proposal], Changes]
    carry_out: CarryOut
    check: Callable[[Proposal, datetime], None] = lambda _proposal, _now: None


def changes(proposal: Proposal) -> Changes:
    """Return the difference to the present state."""
    return RULES[Kind(proposal.kind)].changes(proposal)


def check(proposal: Proposal, now: datetime) -> None:
    """Raise Refusal for a change that cannot be."""
    RULES[Kind(proposal.kind)].check(proposal, now)


def content_hash(proposal: Proposal) -> str:
    """Hash the content that two people agree on: the values typed, and those that they replace at present."""
    return edit_tags.edit_tag(proposal.kind, proposal.target, proposal.content, changes(proposal))


def target(kind: Proposal.Kind, about: About | Scope | Issuer, content: Mapping[str, Any]) -> str:
    """Return the identity of the change: at most one open proposal of a kind may exist for it."""
    if kind == Kind.POLICY_CHANGED:
        return f"{about.audit_id} {content['bound']}"
    if kind == Kind.WEBHOOK_ADDED:
        return f"{about.audit_id} webhook {content['name']}" if isinstance(about, Api) else f"webhook {content['name']}"
    of_a_person = (*Proposal.OWNERS_DECIDE, Kind.OWNER_NAMED, Kind.OWNER_REMOVED, *Proposal.OF_STAFF)
    who = f" {email_addresses.mailbox(content['email'])}" if kind in of_a_person else ""
    return f"{about.audit_id}{who}"


# --- Contacts -------------------------------------------------------------------------------------------------------
def _contact(proposal: Proposal) -> ClientContact | None:
    """Return the contact with this address, or None."""
    known = User.objects.with_address(proposal.content["email"]).first()
    return _client(proposal).contacts.select_related("user", "client").filter(user=known).first() if known else None


def _contact_changes(proposal: Proposal) -> Changes:
    row, content, scopes = _contact(proposal), proposal.content, lifecycle.names(_client(proposal).scopes.all())
    label = f"{content['name']} <{content['email']}>" if content["name"] else content["email"]
    return {
        "contact": (row.user.audit_label if row else None, label),
        "role": (row.role if row else None, content["role"]),
        "scopes": (scopes, scopes),
    }


def _add_contact(proposal: Proposal, by: Actor, reason: str, now: datetime) -> None:
    content = proposal.content
    contacts.add(
        client=_client(proposal), email=content["email"], name=content["name"],
        role=ClientContact.Role(content["role"]), reason=reason, agreed=proposal, by=by, now=now,
    )  # fmt: skip


def _promote_contact(proposal: Proposal, by: Actor, reason: str, now: datetime) -> None:
    row = _contact(proposal)
    if row is None:
        raise Refusal(Code.CHANGED_MEANWHILE)
    role = ClientContact.Role(proposal.content["role"])
    contacts.change_role(contact=row, role=role, reason=reason, agreed=proposal, by=by, now=now)


# --- Scopes of a client ---------------------------------------------------------------------------------------------
def _scope_changes(proposal: Proposal) -> Changes:
    before = lifecycle.facts(_client(proposal))
    return {
        name: (before[name], " ".join(sorted(proposal.content[name])))
        for name in ("scopes", "default_scopes")
    }  # fmt: skip


def _give_scopes(proposal: Proposal, by: Actor, reason: str, now: datetime) -> None:
    offered = {scope.name: scope for scope in Scope.objects.offered(_client(proposal).scopes.all())}
    names, defaults = proposal.content["scopes"], proposal.content["default_scopes"]
    if not set(names) <= offered.keys():
        raise Refusal(Code.CHANGED_MEANWHILE)
    lifecycle.change_scopes(
        client=_client(proposal), scopes=[offered[name] for name in names],
        defaults=[offered[name] for name in defaults], reason=reason, agreed=proposal, by=by, now=now,
    )  # fmt: skip


# --- The catalogue --------------------------------------------------------------------------------------------------
def _retiring(proposal: Proposal) -> Changes:
    scope = _scope(proposal)
    return {"state": ("retired" if scope.retired_at else "active", "retired"), **_described(scope)}


def _retire(proposal: Proposal, by: Actor, reason: str, now: datetime) -> None:
    catalogue.retire_scope(scope=_scope(proposal), reason=reason, agreed=proposal, by=by, now=now)


def _plan(proposal: Proposal) -> deprecation.Plan:
    content = proposal.content
    successor = Scope.objects.filter(name=content["successor"]).first()
    return deprecation.Plan(datetime.fromisoformat(content["retires_at"]), successor, content["reason"])


def _deprecating(proposal: Proposal) -> Changes:
    scope, content = _scope(proposal), proposal.content
    ends = scope.retires_at.isoformat() if scope.retires_at else None
    after = {"retires_at": (ends, content["retires_at"]), "successor": (None, content["successor"] or None)}
    return {**after, **_described(scope)}


def _can_deprecate(proposal: Proposal, now: datetime) -> None:
    deprecation.check(scope=_scope(proposal), plan=_plan(proposal), now=now)


def _deprecate(proposal: Proposal, by: Actor, reason: str, now: datetime) -> None:
    plan = _plan(proposal)
    deprecation.deprecate(scope=_scope(proposal), plan=plan, reason=reason, agreed=proposal, by=by, now=now)


def _easing(proposal: Proposal) -> Changes:
    scope = _scope(proposal)
    return {"sensitive": (scope.sensitive, False), **_described(scope)}


def _ease(proposal: Proposal, by: Actor, reason: str, now: datetime) -> None:
    catalogue.drop_second_approval(scope=_scope(proposal), reason=reason, agreed=proposal, by=by)


def _described(scope: Scope) -> Changes:
    """Return the scope's description, which must not change between the two decisions."""
    description = "\n".join(f"{language}: {text}" for language, text in sorted(scope.description.items()))
    return {"description": (description, description)}


# --- Owners of APIs -------------------------------------------------------------------------------------------------
def _naming(proposal: Proposal) -> Changes:
    content = proposal.content
    label = f"{content['name']} <{content['email']}>" if content.get("name") else content["email"]
    is_owner = api_owners.owner(_api(proposal), content["email"]) is not None
    after = None if proposal.kind == Kind.OWNER_REMOVED else label
    return {"api_owner": (label if is_owner else None, after)}


def _name_owner(proposal: Proposal, by: Actor, reason: str, now: datetime) -> None:
    content = proposal.content
    api_owners.name_owner(
        api=_api(proposal), email=content["email"], name=content["name"], reason=reason, agreed=proposal, by=by, now=now
    )


def _remove_owner(proposal: Proposal, by: Actor, reason: str, now: datetime) -> None:
    api_owners.remove_owner(
        api=_api(proposal), email=proposal.content["email"], reason=reason, agreed=proposal, by=by, now=now
    )


def _api(proposal: Proposal) -> Api:
    assert proposal.api is not None  # noqa: S101  (the kind is about an API)
    return proposal.api


# --- Issuers --------------------------------------------------------------------------------------------------------
def _switching(after: str) -> Callable[[Proposal], Changes]:
    """Return the difference that enabling or disabling makes, with all that its tokens are accepted for."""

    def changes(proposal: Proposal) -> Changes:
        issuer = _issuer(proposal)
        same = {name: (value, value) for name, value in issuers.facts(issuer).items() if value}
        return {"state": (issuers.state(issuer), after), "url": (issuer.url, issuer.url), **same}

    return changes


def _issuer_changes(proposal: Proposal) -> Changes:
    before, content = issuers.facts(_issuer(proposal)), proposal.content
    jwks = issuers.pasted_names(content["jwks"]) if content["jwks"] else before["jwks"]
    after = {"audience": content["audience"], "max_lifetime": content["max_lifetime"], "jwks": jwks}
    return {name: (before[name], after[name]) for name in before}


def _enable_issuer(proposal: Proposal, by: Actor, reason: str, now: datetime) -> None:
    issuers.enable(issuer=_issuer(proposal), reason=reason, agreed=proposal, by=by, now=now)


def _disable_issuer(proposal: Proposal, by: Actor, reason: str, now: datetime) -> None:
    issuers.disable(issuer=_issuer(proposal), reason=reason, agreed=proposal, by=by, now=now)


def _change_issuer(proposal: Proposal, by: Actor, reason: str, now: datetime) -> None:
    content = proposal.content
    issuers.change(
        issuer=_issuer(proposal), audience=content["audience"], max_lifetime=content["max_lifetime"],
        jwks=content["jwks"], reason=reason, agreed=proposal, by=by, now=now,
    )  # fmt: skip


def _issuer(proposal: Proposal) -> Issuer:
    assert proposal.issuer is not None  # noqa: S101  (the kind is about an issuer)
    return proposal.issuer


# --- Policies -------------------------------------------------------------------------------------------------------
def _policy(proposal: Proposal) -> policies.Wanted:
    about = proposal.about
    assert not isinstance(about, Scope | Issuer)  # noqa: S101  (a constraint: a_proposal_is_about_one_thing)
    return policies.read(about, proposal.content)


def _bounding(proposal: Proposal) -> Changes:
    return policies.changes(_policy(proposal))


def _can_bound(proposal: Proposal, now: datetime) -> None:
    policies.check(_policy(proposal), now=now)


def _bound(proposal: Proposal, by: Actor, reason: str, now: datetime) -> None:
    tell = proposal.content["affected"]
    policies.change(wanted=_policy(proposal), tell=tell, reason=reason, agreed=proposal, by=by, now=now)


# --- Webhooks -------------------------------------------------------------------------------------------------------
def _adding_webhook(proposal: Proposal) -> Changes:
    of_api: Changes = {"api": (None, proposal.api.identifier)} if proposal.api else {}
    return {**{name: (None, proposal.content[name]) for name in ("name", "url")}, **of_api}


def _can_add_webhook(proposal: Proposal, _now: datetime) -> None:
    webhooks.check(name=proposal.content["name"], url=proposal.content["url"], api=proposal.api)


def _add_webhook(proposal: Proposal, by: Actor, reason: str, now: datetime) -> None:
    content = proposal.content
    webhooks.add(
        name=content["name"], url=content["url"], api=proposal.api, reason=reason, agreed=proposal, by=by, now=now
    )


def _client(proposal: Proposal) -> Client:
    assert proposal.client is not None  # noqa: S101  (the kind is about a client)
    return proposal.client


def _scope(proposal: Proposal) -> Scope:
    assert proposal.scope is not None  # noqa: S101  (the kind is about a scope)
    return proposal.scope


RULES = {
    Kind.CONTACT_ADDED: Rule(_contact_changes, _add_contact),
    Kind.CONTACT_PROMOTED: Rule(_contact_changes, _promote_contact),
    Kind.SCOPES_GIVEN: Rule(_scope_changes, _give_scopes),
    Kind.SCOPE_RETIRED: Rule(_retiring, _retire),
    Kind.SCOPE_DEPRECATED: Rule(_deprecating, _deprecate, _can_deprecate),
    Kind.SCOPE_EASED: Rule(_easing, _ease),
    Kind.ISSUER_ENABLED: Rule(_switching("enabled"), _enable_issuer),
    Kind.ISSUER_CHANGED: Rule(_issuer_changes, _change_issuer),
    Kind.ISSUER_DISABLED: Rule(_switching("disabled"), _disable_issuer),
    Kind.OWNER_NAMED: Rule(_naming, _name_owner),
    Kind.OWNER_REMOVED: Rule(_naming, _remove_owner),
    Kind.WEBHOOK_ADDED: Rule(_adding_webhook, _add_webhook, _can_add_webhook),
    Kind.STAFF_INVITED: Rule(staff_proposals.changes, staff_proposals.invite, staff_proposals.can_invite),
    Kind.STAFF_DEACTIVATED: Rule(staff_proposals.changes, staff_proposals.deactivate, staff_proposals.can_deactivate),
    Kind.POLICY_CHANGED: Rule(_bounding, _bound, _can_bound),
}
