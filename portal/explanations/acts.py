"""The sentence for each refusal of an act: what is in the way, and mostly what to do instead.

One for each code of the closed vocabularies (clients/refusal_codes.py, tokens/acts/refusal_codes.py,
audit/set_aside.py). A sentence may name facts: "There is no client %(name)s".
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from audit.set_aside import LogCode
from clients.refusal_codes import Code, CommandCode, FetchCode
from portal.explanations.api_codes import OF_THE_API
from portal.explanations.words import Text
from tokens.acts.refusal_codes import TokenCode

UNKNOWN = _("This is not possible at the moment.")

OF_ANY_ACT: dict[str, Text] = {
    Code.CHANGED_MEANWHILE: _(
        "Someone changed this while you had it open, so nothing was saved. Look at it as it is now."
    ),
    Code.NEEDS_COLLEAGUE: _("It takes two people: propose it, and a colleague confirms."),
    Code.NOT_SECURITY_TEAM: _("Only the Security team decides on this."),
    Code.REASON_MISSING: _("Say why: it stays in the change log."),
}

OF_CLIENTS: dict[str, Text] = {
    Code.CLIENT_CHANGED: _("Someone else changed the client just before you. Check its status."),
    Code.CLIENT_CLOSED: _("This client is closed for good: it stays as it is."),
    Code.CLIENT_ID_CHANGED: _("The client id was changed meanwhile. Look at the new one first."),
    Code.SELF_SERVICE_OFF: _(
        "This client cannot add credentials by itself now. A contact or the Security team turns that on again."
    ),
    Code.ANSWERED_ALREADY: _("One of you has answered that already."),
    Code.UNDO_IS_OVER: _("Only the Security team can reactivate this client now."),
    Code.SELF_SERVICE_UNCHANGED: _("That was done already, or the Security team turned it off."),
    Code.CONTACT_ALREADY: _("This person is a contact of the client already."),
    Code.CONTACT_IS_STAFF: _("This is a staff address. Staff cannot be contacts of a client: use another address."),
    Code.LAST_OWNER: _("A client needs an owner. Make someone else owner first."),
}

OF_CREDENTIALS: dict[str, Text] = {
    Code.CIPHERTEXT_UNREADABLE: _("A stored secret does not open: its key is missing from SECRETS_KEYS."),
    Code.LAST_SECRET: _("This is the only way the client can authenticate. Add a key first, or regenerate."),
    Code.SECRET_AUTHENTICATION_UNCHANGED: _("That was done already."),
    Code.SECRET_MADE_MEANWHILE: _("Someone made a secret meanwhile. Look at it before you make another."),
    Code.SECRET_NOT_SHOWN: _("This secret can no longer be shown. Regenerate it to see a new one."),
    Code.SECRET_REGENERATED_MEANWHILE: _("This secret was regenerated meanwhile. Look at the new one first."),
    Code.SECRET_STOPPED_ALREADY: _("This secret had stopped working already."),
    Code.SECRETS_NEED_A_KEY: _("Without a usable key the secret is the only way the client can authenticate."),
    Code.SECRETS_NOT_ACCEPTED: _("This site accepts no client secrets. Add a key instead."),
    Code.CREDENTIAL_ENDED_ALREADY: _("It has ended already."),
    Code.KEY_ADDED_ALREADY: _("This client has this key already."),
    Code.SECRETS_OFF_BY_POLICY: _("A policy allows keys only for this client. Add a key instead of a secret."),
    Code.KEY_SMALLER_THAN_POLICY: _(
        "A policy asks for RSA keys of at least %(least)s bits, and this one has %(bits)s. Make a larger one, or a"
        " P-256 or Ed25519 key."
    ),
    Code.KEY_ALGORITHMS_OFF_BY_POLICY: _(
        "A policy allows none of the algorithms of this key (%(algorithms)s). Make a key of another kind."
    ),
    Code.PROOF_DEMANDED_BY_POLICY: _(
        "A policy asks for a proof that you have the private key: add it together with the key."
    ),
    Code.POLICY_DATE_TOO_NEAR: _("Existing clients keep at least %(days)s days. Choose a later date."),
    Code.POLICY_UNCHANGED: _("There is no such bound any more."),
    Code.POLICY_VALUE_WRONG: _("This bound cannot have that value."),
    Code.KEY_NOT_STAGED: _("This key is not staged any more."),
    Code.KEY_RETIRED_ALREADY: _("This key was retired already."),
    Code.KEY_LEAKED: _("The private half of this key leaked. Make a new key pair for this client."),
    Code.KEY_USED_ELSEWHERE: _(
        "This key is in use elsewhere. A key belongs to one client only: make a new key pair for this client."
    ),
    Code.KID_IN_USE: _("This client has another key with this key id (kid). Give the new key another one."),
    Code.LAST_KEY: _(
        "This is the only way the client can authenticate. Add its successor first, then retire this one."
    ),
    Code.ISSUER_NOT_ENABLED: _("The Security team has disabled the issuer %(issuer)s."),
    Code.LAST_TRUST: _(
        "This is the only way the client can authenticate. Add another one first, then remove this one."
    ),
    Code.TOO_MANY_TRUSTS: _("A client has at most %(limit)s trusts. Remove one that is not used any more."),
    Code.TRUST_CLAIMS_TOO_MANY: _("A trust asks for at most %(limit)s claims."),
    Code.TRUST_CLAIM_CHANGES: _(
        "The claim %(name)s cannot be asked for: it differs in every token, or is checked anyway."
    ),
    Code.TRUST_CLAIM_IN_ARRAY: _("%(name)s leads through a list, whose order can change. Choose another claim."),
    Code.TRUST_CLAIM_NAME: _("%(name)s is no name of a claim, and no JSON Pointer to one."),
    Code.TRUST_CLAIM_VALUE: _("The value of the claim %(name)s is too long, or cannot be kept as it is."),
    Code.TRUST_NOT_NEAR_ITS_END: _(
        "A trust is extended in the %(days)s days before its end, or in those after it. Later, add it again."
    ),
    Code.TRUST_EXISTS: _("The client trusts this subject with these claims already."),
    Code.TRUST_REMOVED_ALREADY: _("This trust was removed already."),
    Code.TRUST_SUBJECT: _("The subject must be a text of 1 to %(max_length)s characters, without blanks around it."),
    Code.TRUST_WILDCARD: _("A trust compares exactly: an asterisk in %(name)s stands for nothing but itself."),
    TokenCode.CLIENT_ID_LEAKED: _(
        "A client id by itself gives no access. Suspend the client, or invalidate its tokens."
    ),
    TokenCode.LEAKED_KEY_STOPPED_ALREADY: _("This key had stopped working already, and its tokens too."),
    TokenCode.LEAKED_SECRET_STOPPED_ALREADY: _("This secret had stopped working already, and its tokens too."),
    TokenCode.LEAKED_TRUST_STOPPED_ALREADY: _("This trust had ended already, and its tokens with it."),
    TokenCode.LEAKED_TOKEN_REVOKED_ALREADY: _("This token was invalidated already."),
    TokenCode.LEAKS_NOT_ALL_ENDED: _("Something of this could not be ended. Send the same report again."),
    TokenCode.PROOF_INVALID: _("The proof does not show that the client has the private key: %(problem)s."),
    TokenCode.LOG_NOT_A_CONTINUATION: _(
        "The file does not continue the change log in the database: entry %(seq)s differs. "
        "Give log.jsonl of the newest export."
    ),
    TokenCode.NOTHING_LETS_IN: _("No key, secret, trust or address of keys of this client is left to end."),
    TokenCode.NO_VALID_TOKENS: _("Nothing to invalidate: this key or secret has no valid tokens."),
    TokenCode.TOKEN_STOPPED_ALREADY: _("This token had stopped working already."),
}

OF_REQUESTS: dict[str, Text] = {
    Code.CLIENT_OF_REQUEST_CLOSED: _("The client is closed for good and stays as it is. Reject this request."),
    Code.DEFAULT_NOT_GRANTED: _("A default scope must be one of the scopes you grant."),
    Code.MESSAGE_WITHOUT_AUTHOR: _("A message needs someone who wrote it."),
    Code.NOT_A_REVIEWER: _("Only the Security team decides on a request."),
    Code.NO_SCOPE_GRANTED: _("Tick at least one scope, or reject the request."),
    Code.OWN_REQUEST: _("You asked for this client yourself. Someone else of the Security team decides."),
    Code.REQUEST_CHANGED: _("The request changed while you read it. Read it again, then decide."),
    Code.REQUEST_MOVED_ON: _("Someone else changed the request just before you. Check its status."),
    Code.TOO_MANY_VIEWS: _("You have %(limit)s saved views already. Remove one first."),
    Code.REPLY_TEXT_EXISTS: _("There is such a text with the name “%(name)s” already."),
    Code.CLAIMED_MEANWHILE: _("Somebody else took this request meanwhile, or it was decided."),
    Code.REQUEST_NOT_WAITING: _("This request was decided already, or waits for the contact."),
    Code.REQUEST_OPEN_ALREADY: _("A request about this client is being reviewed. Wait for it, or withdraw it first."),
    Code.SAME_REVIEWER: _("You gave the first approval. Someone else gives the second."),
    Code.SCOPE_NOT_ASKED_FOR: _("You can only grant scopes that were asked for."),
    Code.LEGAL_BASIS_MISSING: _("Give the reference of the legal basis: %(scopes)s can only be approved with one."),
    Code.NOT_API_OWNER: _("You are no owner of this API any more."),
    Code.OWNER_ALREADY: _("This person is an owner of the API already."),
    Code.OWNER_NOT_AGREED: _(
        "The owner of the API has not approved %(scopes)s. Leave it out, or wait for the owner’s decision."
    ),
    Code.TOO_MANY_MAILS_TO_CALLERS: _("You can write to all callers %(limit)s times a day. Try again tomorrow."),
    Code.SCOPE_NOT_ENDORSED: _("The first approval left out a sensitive scope that you ticked. Untick it."),
    Code.SIGNALS_CHANGED: _("The signals changed while you read the request. Read them again, then decide."),
    Code.TOO_MANY_MESSAGES: _(
        "You wrote %(limit)s messages about this request within an hour. Wait a little, and put the rest into one."
    ),
    Code.CONTACT_OF_THE_CLIENT: _("You are a contact of this client. Someone else of the Security team decides."),
    Code.OWN_PROPOSAL: _("You proposed this yourself. Someone else of the Security team confirms or declines."),
    Code.PROPOSAL_ABOUT_YOU: _("This is about your own account. Someone else of the Security team decides."),
    Code.PROPOSAL_OF_ANOTHER: _("Only the person who proposed this can withdraw it."),
    Code.PROPOSAL_OUT_OF_DATE: _("This changed after it was proposed. Decline it, and have it proposed again."),
    Code.PROPOSAL_OVER: _("This proposal is over: it was confirmed, declined, withdrawn, or nobody did in time."),
    Code.PROPOSED_ALREADY: _("Someone proposed this already. Open that proposal first."),
}

OF_THE_CATALOGUE: dict[str, Text] = {
    Code.API_EXISTS: _("There is an API with this identifier."),
    Code.BUILT_IN: _("“%(name)s” belongs to Keydesk itself and cannot be changed."),
    Code.NAME_RESERVED: _("The name “%(name)s” is kept for Keydesk's own API. Choose another one."),
    Code.EASING_TAKES_TWO: _("It takes two people to drop the second approval: one asks, the other confirms."),
    Code.SCOPE_EXISTS: _("There is a scope with this name."),
    Code.SCOPE_NOT_SENSITIVE: _("One approval is enough for this scope already, or it is retired."),
    Code.SCOPE_RETIRED_ALREADY: _("This scope was retired already."),
    Code.SCOPE_DEPRECATED_ALREADY: _("This scope is deprecated already. Withdraw that first, to announce another end."),
    Code.SCOPE_ENDS_TOO_SOON: _("Give its holders more than %(days)s days. A scope that must end earlier is retired."),
    Code.SCOPE_NOT_DEPRECATED: _("This scope is not deprecated, or it is retired already."),
    Code.SUCCESSOR_NOT_OFFERED: _("%(name)s cannot replace it: it is the same scope, or cannot be asked for itself."),
}

OF_SIGN_IN: dict[str, Text] = {
    Code.ACCOUNT_CLOSED_ALREADY: _("The account of %(email)s is closed already."),
    Code.LAST_MEMBER: _("This is the last active account of the Security team. Invite a colleague first."),
    Code.NOT_STAFF: _("%(email)s is no member of staff."),
    Code.OTHER_ADDRESS_OF_MAILBOX: _("%(typed)s is the mailbox of %(email)s: invite that address."),
    Code.OTHER_ROLE: _("%(email)s already has the role “%(role)s”."),
    Code.STAFF_BY_COMMAND: _("On this site only operators invite and deactivate staff, by command."),
    Code.CODE_OVER: _("This code no longer works. Ask for a new one below."),
    Code.CODE_WRONG: _("This is not the code we mailed. Look at the newest mail and type its six digits."),
    Code.CODES_ENDED: _(
        "Too many wrong codes were typed for this address. Its owner was told by mail; no code works for a day."
    ),
    Code.ACCOUNT_NOT_BOUND: _(
        "This account is not bound to a contact yet. Ask for a link, and continue with the account when you open it."
    ),
    Code.ACCOUNT_NOT_FRESH: _("Your account did not ask you to sign in again, so this confirms nothing. Try again."),
    Code.ACCOUNT_OF_ANOTHER: _("This account does not belong to this contact."),
    Code.ACCOUNT_TOO_WEAK: _("You signed in there in a way that is not strong enough for this. Choose a stronger one."),
    Code.LINK_NOT_USABLE: _("This link no longer works. Ask for a new one."),
    Code.DELIVERY_NOT_FAILED: _("This delivery waits to be sent already, or was sent."),
    Code.WEBHOOK_EXISTS: _("There is a webhook “%(name)s” already."),
    Code.WEBHOOK_REMOVED_ALREADY: _("This webhook was removed already."),
    Code.MAIL_NOT_FAILED: _("This mail waits to be sent already, or was sent."),
    Code.MAIL_OUT_OF_DATE: _("The link or code in this mail no longer works. A new one is needed."),
    Code.TOO_MANY_CODES: _("We mailed you several codes already. Use the newest one, or try again in an hour."),
    Code.TOO_MANY_CODES_BEFORE: _("We mailed this address several codes already. Try again in an hour."),
}

OF_COMMANDS: dict[str, Text] = {
    CommandCode.DEFAULT_SCOPE_NOT_A_SCOPE: _("A default scope must also be a scope: %(names)s."),
    CommandCode.FILE_UNREADABLE: _("The file cannot be read: %(cause)s."),
    CommandCode.KID_WITHOUT_KEY: _("--kid needs --jwk or --certificate."),
    CommandCode.NO_SCOPE_AND_NO_API: _("Give the client a scope, or an API that it serves."),
    CommandCode.NO_SUCH_API: _("There is no API “%(name)s”."),
    CommandCode.NO_SUCH_CLIENT: _("There is no client “%(name)s”."),
    CommandCode.CLAIM_UNREADABLE: _("“%(name)s” is no claim: give NAME=VALUE, or NAME:=JSON."),
    CommandCode.NO_SUCH_TRUST: _("The client has no trust in “%(name)s” with exactly these claims."),
    CommandCode.NO_SUCH_ISSUER: _("There is no issuer “%(name)s”."),
    CommandCode.NO_SUCH_KEY: _("The client has no key “%(name)s”."),
    CommandCode.NO_SUCH_SECRET: _("The client has no secret that ends in “%(hint)s”."),
    CommandCode.NOT_IN_THE_CATALOGUE: _("Not in the catalogue: %(names)s."),
    CommandCode.NOT_UTF8: _("An argument is not valid UTF-8."),
    CommandCode.SEVERAL_KEYS: _("The file holds several keys. Give a file with one."),
    CommandCode.STAFF_ADDRESS: _("This is a staff address. Staff cannot be contacts of a client: use another address."),
    LogCode.CHECKPOINT_SIGNED: _("The checkpoint of %(size)s entries was signed by a key of this log: it stands."),
    LogCode.NO_LOG_KEY: _("No key of this log is set here, so nothing tells a good checkpoint from a bad one."),
    LogCode.NO_SUCH_CHECKPOINT: _("There is no checkpoint of %(size)s entries."),
    LogCode.SET_ASIDE_WITHOUT_REASON: _("Say why, for those who read the change log later."),
}

OF_FEDERATION: dict[str, Text] = {
    Code.AUDIENCE_MALFORMED: _("An audience is one word, without blanks."),
    Code.ISSUER_DISABLED_ALREADY: _("This issuer is disabled already."),
    Code.ISSUER_ENABLED_ALREADY: _("This issuer is enabled already."),
    Code.ISSUER_EXISTS: _("There is an issuer with this name or address."),
    Code.ISSUER_IS_THIS_SITE: _("This is the address of this site itself. It trusts only others."),
    Code.ISSUER_UNCHANGED: _("Nothing would change."),
    Code.JWKS_URI_IN_USE: _("This client has an address of keys already. Remove it first, then add another one."),
    Code.JWKS_URI_NOT_READ: _("No keys were found at this address yet."),
    Code.JWKS_URI_OVER: _("This address was confirmed or removed already."),
    Code.JWKS_URI_TOO_OFTEN: _("This client had %(limit)s addresses looked up within an hour. Wait a little."),
    FetchCode.ADDRESS_MALFORMED: _("This is no address in plain spelling."),
    FetchCode.ADDRESS_NOT_HTTPS: _("The address must begin with https://."),
    FetchCode.ADDRESS_NOT_PUBLIC: _(
        "This host has no public address. Hosts inside the network have to be named in FEDERATION_ALLOWED_HOSTS."
    ),
    FetchCode.ADDRESS_PORT: _("Leave the port out: it is 443."),
    FetchCode.ADDRESS_WITH_CREDENTIALS: _("Leave out the user name and the password before the @."),
    FetchCode.DISCOVERY_MALFORMED: _("The answer at .well-known/openid-configuration is no such document."),
    FetchCode.DISCOVERY_OF_ANOTHER: _(
        "The document at .well-known/openid-configuration names another issuer. Both must be exactly the same."
    ),
    FetchCode.FETCH_BROKEN: _("The answer was not complete, or not valid HTTP."),
    FetchCode.FETCH_REDIRECTED: _("The server led to another address. Give that address: redirects are not followed."),
    FetchCode.FETCH_STATUS: _("The server did not answer with 200."),
    FetchCode.POST_NOT_ACCEPTED: _("The server did not answer with a 2xx status."),
    FetchCode.FETCH_TLS_FAILED: _("The server has no certificate for this name that is trusted here."),
    FetchCode.FETCH_TOO_LARGE: _("The answer was larger than 64 KiB."),
    FetchCode.FETCH_TOO_SLOW: _("There was no complete answer within 3 seconds."),
    FetchCode.FETCH_UNREACHABLE: _("The server could not be reached."),
    FetchCode.KEY_SET_MALFORMED: _("What was found there is no JSON Web Key Set."),
    FetchCode.KEY_SET_PRIVATE: _(
        "A private key is among the public ones. The whole set was refused, and that key must be replaced."
    ),
    FetchCode.KEY_SET_TOO_MANY: _("The set has more than 20 keys."),
    FetchCode.KEY_SET_UNUSABLE: _("The set has no key that can be used."),
}

SENTENCES = (
    OF_FEDERATION
    | OF_ANY_ACT
    | OF_CLIENTS
    | OF_CREDENTIALS
    | OF_REQUESTS
    | OF_THE_CATALOGUE
    | OF_SIGN_IN
    | OF_COMMANDS
    | OF_THE_API
)
