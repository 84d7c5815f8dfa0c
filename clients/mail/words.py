"""Words of the mails about an act on a client: the subject, the effect on the software, and the remaining work.

Subjects are filled in with the client's name. Kinds of mail of their own have the rest in their templates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.actions import Action

Facts = Mapping[str, Any]  # texts and datetimes, as clients/mail/notifications.py wrote them


@dataclass(frozen=True)
class Words:
    """Texts of an action. `todo` is empty where nothing remains to be done after an intended act."""

    subject: Promise
    effect: Promise | str = ""
    todo: Promise | str = ""


_NEW_TOKENS = _("See that your software asks for a new token when one is refused.")
_GONE = _("Software that authenticates with this secret or key gets no tokens any more.")
_ANOTHER = _("See that your software authenticates with another key or secret.")

WORDS: dict[str, Words] = {
    Action.SECRET_CREATED: Words(
        _("%(name)s: new secret made"), _("Software that has the new secret gets tokens of this client.")
    ),
    Action.SECRET_REGENERATED: Words(
        _("%(name)s: new secret made"),
        _("The old secret has stopped working. Software that has no other secret or key gets no tokens."),
        _("Set the new secret in your software."),
    ),
    Action.SECRET_VIEWED: Words(
        _("Client secret viewed: %(name)s"), _("Anyone who has seen the secret can get tokens of this client.")
    ),
    Action.SECRET_ENDED: Words(_("%(name)s: secret retired"), _GONE, _ANOTHER),
    Action.SECRET_AUTHENTICATION_OFF: Words(
        _("%(name)s: secrets turned off"),
        _("The secrets of this client have stopped working. Software that authenticates with a secret gets no tokens."),
        _("See that your software authenticates with a key."),
    ),
    Action.SECRET_AUTHENTICATION_ON: Words(
        _("%(name)s: secrets turned on"), _("Software that has a secret of this client gets tokens with it.")
    ),
    Action.KEY_ADDED: Words(
        _("%(name)s: new key added"),
        _("Anyone who has its private key can get tokens of this client once the key is active."),
    ),
    Action.KEY_ACTIVATED: Words(
        _("%(name)s: key activated"), _("Anyone who has its private key can get tokens of this client.")
    ),
    Action.KEY_TOOK_OVER: Words(
        _("%(name)s: the new key is in use"), _("The new key works like any other from now on.")
    ),
    Action.KEY_DROPPED: Words(
        _("%(name)s: an unused key retired"),
        _("The key waited for its first use for 30 days. The key that it was to replace works on."),
        _("See that the renewal of your software's key works, and add a new key if it is still needed."),
    ),
    Action.ADDED_CREDENTIAL_ENDED: Words(
        _("%(name)s: what the client added was ended"),
        _GONE,
        _("Replace the key or secret that got the token for it, too, and invalidate all tokens."),
    ),
    Action.NETWORK_CONFIRMED: Words(_("%(name)s: a new network is known"), _("Nothing changes for your software.")),
    Action.NETWORK_DENIED: Words(
        _("Action needed at %(name)s: somebody else used it"),
        _("Whoever used it has a key or secret of the client, or one of its tokens."),
        _("Replace the key or secret with no transition period, and invalidate all tokens."),
    ),
    Action.SELF_SERVICE_ON: Words(
        _("%(name)s: adds keys and secrets by itself again"),
        _("Software that has a key or secret of the client can add another one by API."),
    ),
    Action.SELF_SERVICE_PAUSED: Words(
        _("%(name)s: adds nothing by itself any more"),
        _("The software cannot renew its keys and secrets by API until one of you turns that on again."),
    ),
    Action.SELF_SERVICE_OFF: Words(
        _("%(name)s: does nothing by itself any more"),
        _("The software cannot use the API for itself, not even to end a key, until one of you turns that on again."),
    ),
    Action.CLIENT_KEPT: Words(_("%(name)s: kept, though it is not used"), _("Nothing changes for your software.")),
    Action.CLIENT_RECERTIFIED: Words(_("%(name)s: confirmed as still needed"), _("Nothing changes for your software.")),
    Action.CREDENTIAL_LABELLED: Words(_("%(name)s: label changed"), _("Nothing changes for your software.")),
    Action.KEY_DISPLACED: Words(
        _("Action needed at %(name)s: a key was retired"),
        _("Another client has proven that it has the private key, which this client never did. A key belongs to one."),
        _("Make a new key pair for this client and add its public key, if software of this client used the old one."),
    ),
    Action.KEY_RETIRED: Words(_("%(name)s: key retired"), _GONE, _ANOTHER),
    Action.JWKS_URI_ADDED: Words(
        _("%(name)s: address of keys added"),
        _("Whoever decides which keys are published at this address can get tokens of this client."),
    ),
    Action.JWKS_URI_CHANGED: Words(
        _("%(name)s: other keys at its address"),
        _("The keys of the client follow the address: new ones work, and keys that are gone were retired."),
        _("See on the page of the client which keys it has now. If you do not expect this, remove the address."),
    ),
    Action.JWKS_URI_FAILED: Words(
        _("Action needed at %(name)s: its keys cannot be fetched"),
        _("The keys that were found last work for 24 hours from the last good answer, then they are retired."),
        _("See on the page of the client what is in the way, and have the server answer again."),
    ),
    Action.JWKS_URI_LOST: Words(
        _("Action needed at %(name)s: keys retired"),
        _("For 24 hours the keys at the address could not be fetched. Software that signs with them gets no tokens."),
        _("Have the server answer again, or add a key."),
    ),
    Action.JWKS_URI_REMOVED: Words(_("%(name)s: address of keys removed"), _GONE, _ANOTHER),
    Action.ISSUER_CHANGED: Words(
        _("%(name)s: an issuer that it trusts was changed"),
        _("Its tokens are accepted under other conditions: another audience, lifetime or keys."),
        _("See that your software still gets tokens with those of the issuer."),
    ),
    Action.ISSUER_ENABLED: Words(
        _("%(name)s: an issuer that it trusts was enabled"),
        _("Software that authenticates with a token of this issuer gets tokens again."),
    ),
    Action.ISSUER_DISABLED: Words(
        _("Action needed at %(name)s: an issuer was disabled"),
        _("Tokens of this issuer are refused, and all tokens that were issued for them have stopped working."),
        _ANOTHER,
    ),
    Action.TRUST_ADDED: Words(
        _("%(name)s: new trust added"),
        _("Software that gets such a token from this issuer can get tokens of this client."),
    ),
    Action.TRUST_EXTENDED: Words(
        _("%(name)s: trust extended"),
        _("Software that gets such a token from this issuer goes on getting tokens of this client."),
    ),
    Action.TRUST_REMOVED: Words(
        _("%(name)s: trust removed"),
        _("Software that authenticates with such a token is refused, and the tokens that it got have stopped working."),
        _("See that your software authenticates in another way."),
    ),
    Action.CLIENT_ID_CHANGED: Words(
        _("%(name)s: new client id"),
        _("The old client id has stopped working, and so have all tokens issued to it."),
        _("Set the new client id in your software: until then the software gets no tokens."),
    ),
    Action.CLIENT_TOKENS_INVALIDATED: Words(
        _("%(name)s: all tokens invalidated"),
        _("All tokens that were issued before have stopped working."),
        _NEW_TOKENS,
    ),
    Action.CREDENTIAL_TOKENS_INVALIDATED: Words(
        _("%(name)s: tokens invalidated"),
        _("The tokens that were issued with this key or secret have stopped working."),
        _NEW_TOKENS,
    ),
    Action.TOKEN_REVOKED: Words(
        _("%(name)s: a token invalidated"), _("Software that has this token is refused."), _NEW_TOKENS
    ),
    Action.CLIENT_SCOPES_CHANGED: Words(
        _("%(name)s: scopes changed"),
        _("A scope that was taken away is gone from every token; a new one is in the next token."),
        _("See on the page of the client which scopes it has now."),
    ),
    Action.CLIENT_SETTINGS_CHANGED: Words(
        _("%(name)s: limits or lifetimes changed"), "", _("See that your software still works within them.")
    ),
    Action.CLIENT_CONTACT_ADDED: Words(
        _("%(name)s: contact added"), _("This person can see and change the client, and gets our mails about it.")
    ),
    Action.CLIENT_CONTACT_REMOVED: Words(
        _("%(name)s: contact removed"),
        _("This person no longer sees the client, but may still know the secret."),
        _("Make a new secret if this person has seen the one in use."),
    ),
    Action.CLIENT_CONTACT_ROLE_CHANGED: Words(
        _("%(name)s: role of a contact changed"), _("Owners also add, change and remove contacts.")
    ),
    Action.SCOPE_KEPT: Words(
        _("%(name)s: a scope stays after all"),
        _("The scope does not end on the date that we had announced. Nothing changes for your software."),
    ),
    Action.PASSKEY_ADDED: Words(_("Passkey added to your %(service)s account")),
    Action.PASSKEY_REMOVED: Words(_("Passkey removed from your %(service)s account")),
    Action.ACCOUNT_BOUND: Words(_("You now sign in to %(service)s with an account")),
    Action.ACCOUNT_UNBOUND: Words(_("The account you signed in to %(service)s with is unbound")),
}
# For an act without words here, also of a row from another version: its sentence tells the act.
_ANY = Words(_("%(name)s was changed"))


def words_of(facts: Facts) -> Words:
    """Return the words of an act, without the effect during an overlap: the template tells until when."""
    action, until = facts.get("action", ""), facts.get("until")
    words = WORDS.get(action, _ANY)
    return replace(words, effect="") if until and until > facts["at"] else words


def sentence_of(facts: Facts, actor: str) -> str:
    """Return "Lotte Verhaeghe added the key 9a4c", by the change log's own list of sentences."""
    action = facts["action"]
    if action not in Action.values:
        return f"{actor}: {action}"
    return str(Action(action).label).format(actor=actor, subject=facts["subject"])
