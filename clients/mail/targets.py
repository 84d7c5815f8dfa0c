"""Target of the link in a mail: the page on which its reader acts.

The pages are the portal's; they are named here by URL name, as in the templates of mails.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.urls import reverse

from audit.actions import Action
from clients.models import Client, Mail, Notice, Registration

Kind = Mail.Kind
TO_CLIENT = {
    Kind.CONTACT_ADDED,
    Kind.CLIENT_CHANGED,
    Kind.BUNDLED_CHANGES,
    Kind.CLIENT_REACTIVATED,
    Kind.CLIENT_SUSPENDED,
    Kind.CLIENT_UNUSED,
    Kind.LEAK_REVOKED,
    Kind.OUTDATED_WAY,
    Kind.POLICY_CHANGED,
    Kind.CONTACT_UNREACHABLE,
}
TO_REQUEST = {Kind.REQUEST_RECEIVED, Kind.CHANGES_REQUESTED, Kind.CHANGE_APPROVED, Kind.NEW_MESSAGE}
TO_ADD_KEY = {Kind.PRIVATE_KEY_RECEIVED, Kind.CREDENTIAL_EXPIRES}
TO_CHANGE = {Kind.SCOPE_RETIRED, Kind.SCOPE_DEPRECATED, Kind.CLIENT_DETACHED, Kind.REQUEST_REJECTED}
# The reader's own page, about no client.
TO_OWN_PAGE: dict[str, str] = {
    Kind.PASSKEY_CHANGED: "contact:passkeys",
    Kind.NEW_SIGN_IN: "account:sessions",
    Kind.TEAM_NOTICES: "security:notices",
}
# Kinds that get a link from the worker when sent.
WITH_LINK = (
    TO_CLIENT
    | TO_REQUEST
    | TO_ADD_KEY
    | TO_CHANGE
    | {
        Kind.CLIENT_READY,
        Kind.PASSKEY_CHANGED,
        Kind.ACCOUNT_CHANGED,
        Kind.NEW_NETWORK,
        Kind.CONTACT_PROPOSED,
        Kind.RECERTIFICATION,
    }
)


def of(mail: Mail) -> str:
    """Return the path that the mail leads to, for any reader; "" for a mail that leads nowhere."""
    if mail.kind in TO_OWN_PAGE:
        return reverse(TO_OWN_PAGE[mail.kind])
    if mail.kind == Kind.ACCOUNT_CHANGED:
        return reverse("contact:clients" if mail.facts.get("action") == Action.ACCOUNT_UNBOUND else "account:sessions")
    if mail.kind == Kind.REQUEST_FOR_OWNER and mail.registration:  # to the owners of APIs, who sign in
        return reverse("owner:request", args=[mail.facts["api"], mail.registration.uid])
    if mail.kind == Kind.SCOPE_END_FOR_OWNER:
        return reverse("owner:api", args=[mail.facts["api"]])
    if mail.kind == Kind.WEBHOOK_FAILED:
        return reverse("owner:webhook", args=[mail.facts["api"], mail.facts["webhook"]])
    if mail.kind in TO_REQUEST:
        return reverse("contact:request", args=[mail.registration.uid]) if mail.registration else ""
    return _of_client(mail, mail.client) if mail.client else ""


def of_notice(kind: Notice.Kind, about: Mapping[str, str]) -> str:
    """Return the path of the page that a notice to the Security team is about."""
    named = {"request": "security:review", "proposal": "security:proposal", "client": "security:client"}
    for name in named.keys() & about.keys():
        return reverse(named[name], args=[about[name]])
    if kind == Notice.Kind.RECERTIFICATION_LATE:
        return f"{reverse('security:clients')}?recertification=late"
    if kind == Notice.Kind.WEBHOOK_FAILED:
        return reverse("security:webhook", args=[about["webhook"]])
    return reverse("security:failed_mail" if "mail" in about else "auditor:change_log")


def _of_client(mail: Mail, client: Client) -> str:
    """Return the page of the client, or of one thing of it."""
    if mail.kind == Kind.LEAK_REPORTED:  # to the Security team, who sign in
        return reverse("security:client", args=[client.uid])
    if mail.kind == Kind.FAILURE_STOPPED:
        return reverse("public:why", args=[mail.facts["why"]])
    if mail.kind not in WITH_LINK or (mail.kind == Kind.CLIENT_SUSPENDED and not mail.facts.get("undo_until")):
        return ""
    if mail.kind == Kind.CONTACT_PROPOSED:
        return reverse("contact:proposed_contact", args=[client.uid, mail.facts["proposal"]])
    if mail.kind == Kind.CLIENT_CHANGED and mail.facts.get("added"):
        return reverse("contact:end_added", args=[client.uid, mail.facts["added"]])
    if mail.kind == Kind.NEW_NETWORK:
        return reverse("contact:network", args=[client.uid, mail.facts["uid"]])
    return reverse(_page(mail), args=[client.uid])


def _page(mail: Mail) -> str:
    """Return the URL name of the client's page."""
    if mail.kind == Kind.CLIENT_READY:
        return "contact:first_token"
    if mail.kind == Kind.RECERTIFICATION:
        return "contact:recertify"
    if mail.kind in TO_CHANGE:
        return "contact:propose_change"
    if mail.kind == Kind.CLIENT_CHANGED and mail.facts.get("seen_at"):
        return "contact:regenerate_secret"
    if mail.kind == Kind.LEAK_REVOKED:
        return "contact:add_key" if mail.facts.get("what") == "key" else "contact:client"
    if mail.kind == Kind.CREDENTIAL_EXPIRES and mail.facts.get("trust"):
        return "contact:credentials"
    if mail.kind == Kind.CREDENTIAL_EXPIRES:
        return "contact:client" if mail.facts.get("successor") or mail.facts.get("hint") else "contact:add_key"
    return "contact:add_key" if mail.kind in TO_ADD_KEY else "contact:client"


def is_open_to_reader(mail: Mail) -> bool:
    """Return whether the reader may open the page: a contact, and still of this client, when the mail is sent.

    Staff get no link: they sign in with a second factor.
    """
    user = mail.user
    if user is None or not user.is_active or user.is_staff_member:
        return False
    if mail.kind in TO_REQUEST:
        return mail.registration is not None and Registration.objects.by(user).filter(pk=mail.registration.pk).exists()
    return mail.client is None or Client.objects.of(user).filter(pk=mail.client.pk).exists()
