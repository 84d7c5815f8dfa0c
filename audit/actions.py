"""Vocabulary of the change log: the closed list of actions, and the closed list of fields whose change it may hold."""

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Action(models.TextChoices):
    """Actions of the change log; each label is the sentence of an entry, with {actor} and {subject} to fill in."""

    REGISTRATION_REQUESTED = "registration.requested", _("{actor} asked for {subject}")
    REGISTRATION_CONFIRMED = "registration.confirmed", _("{actor} confirmed the request {subject}")
    REGISTRATION_CHANGES_REQUESTED = (
        "registration.changes_requested",
        _("{actor} asked to change the request {subject}"),
    )
    REGISTRATION_RESUBMITTED = "registration.resubmitted", _("{actor} sent the request {subject} again")
    REGISTRATION_WITHDRAWN = "registration.withdrawn", _("{actor} withdrew the request {subject}")
    REGISTRATION_APPROVED = "registration.approved", _("{actor} approved the request {subject}")
    REGISTRATION_ENDORSED = "registration.endorsed", _("{actor} gave the first approval of the request {subject}")
    REGISTRATION_REJECTED = "registration.rejected", _("{actor} rejected the request {subject}")
    REGISTRATION_RECOMMENDED = (
        "registration.recommended",
        _("{actor} recommended a decision on the request {subject}"),
    )
    REGISTRATION_COMMENTED = "registration.commented", _("{actor} wrote a message about the request {subject}")

    CLIENT_CREATED = "client.created", _("{actor} created the client {subject}")
    CLIENT_RENAMED = "client.renamed", _("{actor} renamed the client {subject}")
    CLIENT_SUSPENDED = "client.suspended", _("{actor} suspended the client {subject}")
    CLIENT_REACTIVATED = "client.reactivated", _("{actor} reactivated the client {subject}")
    CLIENT_KEPT = "client.kept", _("{actor} kept the client {subject}, which was not used")
    CLIENT_RECERTIFIED = "client.recertified", _("{actor} confirmed that {subject} is still needed")
    CLIENT_CLOSED = "client.closed", _("{actor} closed the client {subject}")
    CLIENT_ID_CHANGED = "client.id_changed", _("{actor} regenerated the client id of {subject}")
    CLIENT_SETTINGS_CHANGED = "client.settings_changed", _("{actor} changed the settings of {subject}")
    SELF_SERVICE_ON = "client.self_service_on", _("{actor} let {subject} add keys and secrets by itself again")
    SELF_SERVICE_PAUSED = "client.self_service_paused", _("{actor} paused what {subject} adds by itself")
    SELF_SERVICE_OFF = "client.self_service_off", _("{actor} turned off the API for itself of {subject}")
    CLIENT_SCOPES_CHANGED = "client.scopes_changed", _("{actor} changed the scopes of {subject}")
    CLIENT_TOKENS_INVALIDATED = "client.tokens_invalidated", _("{actor} invalidated all tokens of {subject}")
    NETWORK_CONFIRMED = (
        "client.network_confirmed",
        _("{actor} said that the use of {subject} from a network was theirs"),
    )
    NETWORK_DENIED = "client.network_denied", _("{actor} said that the use of {subject} from a network was not theirs")
    NETWORK_MAILS_CHANGED = (
        "client.network_mails_changed",
        _("{actor} changed whether new networks of {subject} are mailed to them"),
    )
    CLIENT_CONTACT_ADDED = "client.contact_added", _("{actor} added a contact to {subject}")
    CLIENT_CONTACT_REMOVED = "client.contact_removed", _("{actor} removed a contact from {subject}")
    CLIENT_CONTACT_ROLE_CHANGED = "client.contact_role_changed", _("{actor} changed the role of a contact of {subject}")
    CREDENTIAL_TOKENS_INVALIDATED = (
        "credential.tokens_invalidated",
        _("{actor} invalidated the tokens issued to {subject}"),
    )
    ADDED_CREDENTIAL_ENDED = (
        "credential.added_ended",
        _("{actor} ended {subject}, which the client had added by itself"),
    )
    CREDENTIAL_LABELLED = "credential.labelled", _("{actor} changed the label of {subject}")
    TOKEN_REVOKED = "token.revoked", _("{actor} invalidated the token {subject}")

    SECRET_CREATED = "secret.created", _("{actor} made the client secret {subject}")
    SECRET_VIEWED = "secret.viewed", _("{actor} viewed the client secret {subject}")
    SECRET_REGENERATED = "secret.regenerated", _("{actor} regenerated the client secret: the new one is {subject}")
    SECRET_ENDED = "secret.ended", _("{actor} retired the client secret {subject}")
    SECRET_AUTHENTICATION_OFF = "secret.authentication_off", _("{actor} turned off secrets for {subject}")
    SECRET_AUTHENTICATION_ON = "secret.authentication_on", _("{actor} turned on secrets for {subject}")
    KEY_ADDED = "key.added", _("{actor} added the key {subject}")
    KEY_ACTIVATED = "key.activated", _("{actor} activated the key {subject}")
    KEY_RETIRED = "key.retired", _("{actor} retired the key {subject}")
    KEY_DISPLACED = (
        "key.displaced",
        _("{actor} retired the key {subject}: another client showed that it has the private key"),
    )
    KEY_TOOK_OVER = "key.took_over", _("{actor} saw the first use of the key {subject}, which waited for it")
    KEY_DROPPED = "key.dropped", _("{actor} retired the key {subject}, which was not used in time")
    TRUST_ADDED = "trust.added", _("{actor} added the trust {subject}")
    TRUST_EXTENDED = "trust.extended", _("{actor} extended the trust {subject}")
    TRUST_REMOVED = "trust.removed", _("{actor} removed the trust {subject}")
    KEY_REFUSED = "key.refused", _("{actor} uploaded a private key for {subject}; it was refused and not stored")
    LINK_REQUESTED = "link.requested", _("{actor} asked for a management link for {subject}")
    LINK_OPENED = "link.opened", _("{actor} signed in with a management link")
    SESSIONS_ENDED = "sessions.ended", _("{actor} ended sessions of {subject}")
    PASSKEY_ADDED = "passkey.added", _("{actor} added the passkey {subject}")
    PASSKEY_REMOVED = "passkey.removed", _("{actor} removed the passkey {subject}")
    PASSKEY_USED = "passkey.used", _("{actor} signed in with a passkey")
    CALENDAR_MADE = "calendar.made", _("{actor} made an address for the calendar of {subject}")
    CALENDAR_ENDED = "calendar.ended", _("{actor} switched off the address of the calendar of {subject}")
    CONTACT_PHONE_CHANGED = "contact.phone_changed", _("{actor} changed the telephone number of {subject}")
    ACCOUNT_BOUND = "account.bound", _("{actor} bound an account to the contact {subject}")
    ACCOUNT_UNBOUND = "account.unbound", _("{actor} unbound the account of the contact {subject}")
    ACCOUNT_USED = "account.used", _("{actor} signed in with their account")
    STEPUP_PASSED = "stepup.passed", _("{actor} confirmed who they are")
    CODE_LOCKED = "code.locked", _("{actor} typed too many wrong codes for {subject}; for a day none works")

    SCOPE_CREATED = "scope.created", _("{actor} created the scope {subject}")
    SCOPE_CHANGED = "scope.changed", _("{actor} changed the scope {subject}")
    # No longer recorded, since proposals exist; old entries of the change log must stay readable.
    SCOPE_EASING_ASKED = "scope.easing_asked", _("{actor} asked to drop the second approval for the scope {subject}")
    SCOPE_EASING_DECLINED = "scope.easing_declined", _("{actor} kept the two approvals for the scope {subject}")
    SCOPE_EASED = (
        "scope.eased",
        _("{actor} dropped the second approval for the scope {subject}, which a colleague asked for"),
    )
    SCOPE_RETIRED = "scope.retired", _("{actor} retired the scope {subject}")
    SCOPE_DEPRECATED = "scope.deprecated", _("{actor} deprecated the scope {subject}")
    SCOPE_KEPT = "scope.kept", _("{actor} withdrew the deprecation of the scope {subject}")
    API_CREATED = "api.created", _("{actor} created the API {subject}")
    API_CHANGED = "api.changed", _("{actor} changed the API {subject}")

    ISSUER_CREATED = "issuer.created", _("{actor} added the issuer {subject}")
    ISSUER_CHANGED = "issuer.changed", _("{actor} changed the issuer {subject}")
    ISSUER_ENABLED = "issuer.enabled", _("{actor} enabled the issuer {subject}")
    ISSUER_DISABLED = "issuer.disabled", _("{actor} disabled the issuer {subject}")
    ISSUER_KEYS_CHANGED = "issuer.keys_changed", _("{actor} found other keys of the issuer {subject}")
    ISSUER_KEYS_REFUSED = (
        "issuer.keys_refused",
        _("{actor} refused the keys of the issuer {subject}: a private key was among them"),
    )
    JWKS_URI_READ = "jwks_uri.read", _("{actor} had the keys at {subject} looked up")
    JWKS_URI_ADDED = "jwks_uri.added", _("{actor} added the address of keys {subject}")
    JWKS_URI_CHANGED = "jwks_uri.changed", _("{actor} found other keys at {subject}")
    JWKS_URI_FAILED = "jwks_uri.failed", _("{actor} could not get the keys at {subject}")
    JWKS_URI_LOST = "jwks_uri.lost", _("{actor} retired the keys at {subject}, which nobody could get for a day")
    JWKS_URI_REMOVED = "jwks_uri.removed", _("{actor} removed the address of keys {subject}")

    STAFF_INVITED = "staff.invited", _("{actor} invited {subject} to the staff")
    STAFF_ROLE_CHANGED = "staff.role_changed", _("{actor} changed the role of {subject}")
    STAFF_SIGN_IN_CHANGED = "staff.sign_in_changed", _("{actor} changed how they sign in")
    STAFF_SIGNED_IN = "staff.signed_in", _("{actor} signed in")
    STAFF_SIGNED_OUT = "staff.signed_out", _("{actor} signed out")
    STAFF_SIGN_IN_FAILED = "staff.sign_in_failed", _("{actor} failed to sign in as {subject}")
    STAFF_SIGN_IN_LIMITED = "staff.sign_in_limited", _("{actor} tried too often to sign in as {subject}")
    STAFF_DEACTIVATED = "staff.deactivated", _("{actor} deactivated the account of {subject}")
    API_OWNER_NAMED = "api.owner_named", _("{actor} named an owner of the API {subject}")
    API_OWNER_REMOVED = "api.owner_removed", _("{actor} removed an owner of the API {subject}")
    API_CALLERS_EXPORTED = "api.callers_exported", _("{actor} exported the callers of the API {subject}")
    API_CALLERS_MAILED = "api.callers_mailed", _("{actor} wrote to the callers of the API {subject}")
    REGISTRATION_OWNER_DECIDED = (
        "registration.owner_decided",
        _("{actor} decided on the scopes of their API in {subject}"),
    )
    CLIENT_DETACHED = "client.detached", _("{actor} took the scopes of their API from {subject}")
    PROPOSAL_MADE = "proposal.made", _("{actor} proposed a change of {subject}, for a second person to confirm")
    PROPOSAL_DECLINED = "proposal.declined", _("{actor} declined a proposed change of {subject}")
    PROPOSAL_WITHDRAWN = "proposal.withdrawn", _("{actor} withdrew a proposed change of {subject}")
    INCIDENT_LOOKED_UP = "incident.looked_up", _("{actor} looked up whom a leaked value belongs to: {subject}")
    INCIDENT_REVOKED = "incident.revoked", _("{actor} revoked a leaked value of {subject}")
    CHECKPOINT_SET_ASIDE = "checkpoint.set_aside", _("{actor} set aside the checkpoint {subject}, which nobody signed")
    CLIENTS_EXPORTED = "clients.exported", _("{actor} exported the list of clients")
    DATABASE_RESTORED = "database.restored", _("{actor} made {subject} safe after an older database was restored")
    LOG_EXPORTED = "log.exported", _("{actor} exported the change log")
    PACKAGE_MADE = "log.package_made", _("{actor} made an evidence package of the change log")
    PACKAGE_DOWNLOADED = "log.package_downloaded", _("{actor} downloaded the evidence package {subject}")
    OUTDATED_WAY_MAILED = (
        "outdated_way.mailed",
        _("{actor} asked the contacts of clients to change what is outdated"),
    )
    POLICY_CHANGED = "policy.changed", _("{actor} set a bound on credentials of {subject}")
    POLICY_WITHDRAWN = "policy.withdrawn", _("{actor} withdrew a bound on credentials of {subject}")
    REPLY_TEXT_SAVED = "reply_text.saved", _("{actor} saved the text for replies {subject}")
    REPLY_TEXT_REMOVED = "reply_text.removed", _("{actor} removed the text for replies {subject}")
    CONTACT_UNREACHABLE = (
        "client.contact_unreachable",
        _("{actor} found that mail to a contact of {subject} comes back"),
    )
    NOTICE_MAILS_CHOSEN = "staff.notice_mails_chosen", _("{actor} chose when they are mailed what waits or failed")
    WEBHOOK_ADDED = "webhook.added", _("{actor} added the webhook {subject}")
    WEBHOOK_REMOVED = "webhook.removed", _("{actor} removed the webhook {subject}")
    WEBHOOK_SECRET_VIEWED = "webhook.secret_viewed", _("{actor} viewed the secret of the webhook {subject}")
    DELIVERY_RETRIED = "webhook.delivery_retried", _("{actor} sent a failed delivery again: {subject}")
    MAIL_RETRIED = "mail.retried", _("{actor} sent an undelivered mail again: {subject}")
    SECRETS_REENCRYPTED = "secrets.reencrypted", _("{actor} re-encrypted the stored client secrets")


# Only these names may appear in an entry's changes, so that a secret has no field to get in by. Each is a fact that
# everyone who may read the entry may know. The labels are what a page calls them; a page shows them in this order.
FIELDS: dict[str, str | Promise] = {
    "status": _("State"),
    "state": _("State"),
    "name": _("Name"),
    "client_name": _("Name of the client"),
    "organisation": _("Organisation"),
    "organisation_number": _("Organisation number"),
    "reference": _("Reference of the organisation"),
    "scenario": _("Scenario"),
    "purpose": _("What it does"),
    "reason": _("Why it is needed"),
    "description": _("Description"),
    "text": _("Text"),
    "client_id": _("Client id"),
    "contact": _("Contact"),
    "email": _("E-mail address"),
    "phone": _("Telephone number"),
    "role": _("Role"),
    "contacts": _("Contacts"),
    "language": _("Language"),
    "is_active": _("Account active"),
    "scopes": _("Scopes"),
    "default_scopes": _("Default scopes"),
    "asked": _("Scopes asked for"),
    "left_out": _("Scopes left out"),
    "api_owner": _("Owner of the API"),
    "recommendation": _("Recommendation"),
    "legal_basis": _("Legal basis"),
    "internal_note": _("Internal note"),
    "message": _("Message to the contacts"),
    "signals": _("Signals shown to the reviewer"),
    "content_hash": _("Hash of what was decided on"),
    "api": _("API"),
    "serves": _("Resource server of"),
    "served_by": _("Resource servers"),
    "sensitive": _("Needs two approvals"),
    "needs_legal_basis": _("Needs a legal basis"),
    "secret_allowed": _("Secrets accepted"),
    "hint": _("Secret ends in"),
    "overlap": _("Transition period"),
    "kid": _("Key id (kid)"),
    "issuer": _("Issuer"),
    "subject": _("Subject"),
    "claims": _("Claims that must be equal"),
    "label": _("Label"),
    "network": _("Network"),
    "mail_new_networks": _("Mails about new networks"),
    "notice_mails": _("Mails about what waits or failed"),
    "kids": _("Key ids (kid)"),
    "url": _("Address"),
    "audience": _("Audience of its tokens"),
    "max_lifetime": _("Longest lifetime of its tokens, in seconds"),
    "jwks": _("Pasted keys"),
    "problem": _("Problem"),
    "thumbprint": _("Thumbprint"),
    "algorithms": _("Algorithms"),
    "not_before": _("Valid from"),
    "not_after": _("Valid until"),
    "active_from": _("Works from"),
    "proven_at": _("Private key proven"),
    "first_use_by": _("Waits for first use until"),
    "takes_over_from": _("Takes over from"),
    "ends_at": _("Stops at"),
    "expires_at": _("Expires at"),
    "retires_at": _("Retires at"),
    "retired_at": _("Retired at"),
    "successor": _("Successor"),
    "credential": _("Issued to"),
    "credentials": _("Keys, secrets and trusts"),
    "tokens": _("Tokens"),
    "token_lifetime": _("Token lifetime, in seconds"),
    "rate_limit": _("Requests per minute"),
    "issuer_audience_only": _("Only the issuer as audience"),
    "may_request_tokens": _("May request tokens"),
    "self_service": _("Manages its own credentials by API"),
    "sessions": _("Sessions"),
    "links": _("Open links"),
    "mails": _("Mails that wait"),
    "account": _("Account (subject at issuer)"),
    "clients": _("Clients that hold it"),
    "outdated_way": _("Outdated way"),
    "policy_bound": _("What is bounded"),
    "policy_value": _("Bound"),
    "in_force_from": _("For new clients from"),
    "existing_from": _("For existing clients from"),
    "clients_mailed": _("Clients whose contacts were mailed"),
    "proposal": _("Proposal"),
    "proposed_by": _("Proposed by"),
    "proposal_reason": _("Why it was proposed"),
    "void_at": _("Void after"),
    "leaked": _("What was pasted"),
    "case": _("Case"),
    "addresses": _("Addresses that got tokens"),
    "networks": _("Networks that it was used from"),
    "found_at": _("Found at"),
    "filters": _("Filters"),
    "found": _("Entries that fitted"),
    "entries": _("Entries"),
    "seed": _("Seed of the sample"),
    "selection": _("Hash of the selection"),
    "count": _("Times within a day"),
    "sealed_with": _("Encrypted with key"),
}
