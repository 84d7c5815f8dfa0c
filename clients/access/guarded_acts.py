"""Acts that need a step-up, and the sentence about each in the mail with the code."""

from __future__ import annotations

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Act(models.TextChoices):
    """Acts of a contact that need a step-up; the label names it on the page and in the subject of the mail."""

    REVEAL_SECRET = "reveal_secret", _("Show the client secret")
    REGENERATE_SECRET = "regenerate_secret", _("Regenerate the client secret")
    END_SECRET = "end_secret", _("Retire this secret")
    CHANGE_SECRET_AUTHENTICATION = "change_secret_authentication", _("Change how the client authenticates")
    ADD_KEY = "add_key", _("Add this key")
    ACTIVATE_KEY = "activate_key", _("Activate this key")
    RETIRE_KEY = "retire_key", _("Retire this key")
    END_ADDED = "end_added", _("End what was added")
    CHANGE_SELF_SERVICE = "change_self_service", _("Change what the client does by itself")
    ADD_TRUST = "add_trust", _("Add this trust")
    EXTEND_TRUST = "extend_trust", _("Extend this trust")
    REMOVE_TRUST = "remove_trust", _("Remove this trust")
    ADD_JWKS_URI = "add_jwks_uri", _("Confirm this address of keys")
    REMOVE_JWKS_URI = "remove_jwks_uri", _("Remove this address of keys")
    CHANGE_CLIENT_ID = "change_client_id", _("Regenerate the client id")
    INVALIDATE_TOKEN = "invalidate_token", _("Invalidate this token")
    INVALIDATE_TOKENS_OF_CREDENTIAL = "invalidate_tokens_of_credential", _("Invalidate these tokens")
    INVALIDATE_ALL_TOKENS = "invalidate_all_tokens", _("Invalidate all tokens")
    ADD_CONTACT = "add_contact", _("Add this contact")
    CHANGE_CONTACT_ROLE = "change_contact_role", _("Change this contact's role")
    REMOVE_CONTACT = "remove_contact", _("Remove this contact")
    ACCEPT_CONTACT = "accept_contact", _("Accept this contact")
    CHANGE_PHONE = "change_phone", _("Change your telephone number")
    ADD_PASSKEY = "add_passkey", _("Add a passkey")
    REMOVE_PASSKEY = "remove_passkey", _("Remove this passkey")
    MAKE_CALENDAR = "make_calendar", _("Make an address for your calendar")


# Asked each time, because these acts let an intruder come back, or let others in.
ALWAYS_ASKED = frozenset(
    {
        Act.ADD_CONTACT,
        Act.ACCEPT_CONTACT,
        Act.CHANGE_CONTACT_ROLE,
        Act.ADD_PASSKEY,
        Act.REMOVE_PASSKEY,
        Act.MAKE_CALENDAR,
    }
)
# A link opened soon after it was mailed proves as much as a code: present access to the same mailbox.
SHOWN_BY_A_FRESH_LINK = frozenset({Act.REVEAL_SECRET, Act.ADD_KEY, Act.ADD_TRUST, Act.EXTEND_TRUST})

# Sentence in the mail with the code of each act, with {client} to fill in.
SENTENCES: dict[Act, str | Promise] = {
    Act.REVEAL_SECRET: _("This code shows the secret of {client}."),
    Act.REGENERATE_SECRET: _("This code replaces the secret of {client}."),
    Act.END_SECRET: _("This code retires a secret of {client}."),
    Act.CHANGE_SECRET_AUTHENTICATION: _("This code turns secrets off or on for {client}."),
    Act.ADD_KEY: _("This code adds a key to {client}."),
    Act.ACTIVATE_KEY: _("This code activates a key of {client}."),
    Act.RETIRE_KEY: _("This code retires a key of {client}."),
    Act.END_ADDED: _("This code ends a key or secret that {client} added by itself."),
    Act.CHANGE_SELF_SERVICE: _("This code changes whether {client} adds keys and secrets by itself."),
    Act.ADD_TRUST: _("This code adds a trust to {client}."),
    Act.EXTEND_TRUST: _("This code extends a trust of {client}."),
    Act.REMOVE_TRUST: _("This code removes a trust from {client}."),
    Act.ADD_JWKS_URI: _("This code lets an address decide about keys of {client}."),
    Act.REMOVE_JWKS_URI: _("This code removes the address of the keys of {client}."),
    Act.CHANGE_CLIENT_ID: _("This code replaces the client id of {client}."),
    Act.INVALIDATE_TOKEN: _("This code invalidates a token of {client}."),
    Act.INVALIDATE_TOKENS_OF_CREDENTIAL: _("This code invalidates the tokens of a key or secret of {client}."),
    Act.INVALIDATE_ALL_TOKENS: _("This code invalidates all tokens of {client}."),
    Act.ADD_CONTACT: _("This code adds a contact to {client}."),
    Act.CHANGE_CONTACT_ROLE: _("This code changes the role of a contact of {client}."),
    Act.ACCEPT_CONTACT: _("This code accepts a contact that the Security team proposes for {client}."),
    Act.REMOVE_CONTACT: _("This code removes a contact from {client}."),
    Act.CHANGE_PHONE: _("This code changes the number at which the Security team calls you."),
    Act.ADD_PASSKEY: _("This code adds a passkey that signs in as you."),
    Act.REMOVE_PASSKEY: _("This code removes one of your passkeys."),
    Act.MAKE_CALENDAR: _("This code makes an address at which a calendar reads when your keys and secrets end."),
}
