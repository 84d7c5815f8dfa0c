"""The words for each rule of the authorization server: what happened, and how to fix it.

The only place with words for a refusal (PROTOCOL R-31); evidence.py compares sent and expected values, slips.py names
the likely slip. One entry for each rule of the closed vocabulary (tokens.protocol.errors.Rule).
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tokens.protocol.errors import Rule

Text = str | Promise


@dataclass(frozen=True)
class Words:
    """Words of a rule. `name`: the claim or parameter that was compared, as spelled on the wire.

    `title` and `fix` may name facts: "The parameter %(parameter)s is missing".
    """

    title: Text
    fix: Text
    name: str = ""


NTP = _("Turn on time synchronisation (NTP) on the server that signs. On Linux, timedatectl says whether it is on.")
LIBRARY = _("Use an OAuth or JWT library rather than code of your own; the documentation has samples for yours.")
CATALOGUE = _("Send only the parameters of the documentation.")

OF_THE_REQUEST: dict[str, Words] = {
    Rule.NO_ENDPOINT: Words(
        _("There is nothing at this address"), _("Compare the address with the one in the documentation."), "path"
    ),
    Rule.METHOD: Words(
        _("The request used the wrong HTTP method"),
        _("Use the method that the Allow header names. A redirect, or a proxy on the way, may have changed yours."),
        "method",
    ),
    Rule.CONTENT_TYPE: Words(
        _("The parameters were not sent as a form"),
        _("Send them in the body, as application/x-www-form-urlencoded. JSON is not accepted."),
        "Content-Type",
    ),
    Rule.BODY_TOO_LARGE: Words(_("The request is too large"), CATALOGUE),
    Rule.BODY_ENCODING: Words(
        _("The parameters are wrongly encoded"), _("Let your HTTP library encode the form, in UTF-8.")
    ),
    Rule.TOO_MANY_FIELDS: Words(_("The request has too many parameters"), CATALOGUE),
    Rule.REPEATED_PARAMETER: Words(
        _("The parameter %(parameter)s was sent twice"),
        _("Send each parameter once. Several scopes go into one, with spaces between."),
    ),
    Rule.MISSING_PARAMETER: Words(
        _("The parameter %(parameter)s is missing"),
        _("Send %(parameter)s in the body of the request. A parameter without a value counts as missing."),
    ),
    Rule.GRANT_TYPE: Words(
        _("The grant type is not one that we offer"), _("Send grant_type=client_credentials."), "grant_type"
    ),
    Rule.GRANT_NOT_ALLOWED: Words(
        _("This client may not ask for tokens"),
        _("It belongs to a resource server, which only checks tokens. Request another client for calling APIs."),
    ),
    Rule.RATE_LIMIT: Words(
        _("Too many requests in a minute"),
        _("Keep a token until it expires instead of asking for one with each call, and wait as Retry-After says."),
    ),
}

OF_AUTHENTICATION: dict[str, Words] = {
    Rule.NO_CREDENTIALS: Words(
        _("The request does not say which client it is from"),
        _("Send the client id and secret with HTTP Basic, or a client assertion."),
    ),
    Rule.SEVERAL_METHODS: Words(
        _("Two authentication methods in one request"),
        _("Use one: the Authorization header, the form, or an assertion. Many libraries send two by default."),
    ),
    Rule.AUTHORIZATION_HEADER: Words(
        _("The Authorization header cannot be read"),
        _("Send Basic, a space, and the base64 of client_id:client_secret."),
        "Authorization",
    ),
    Rule.CLIENT_ID_DIFFERS: Words(
        _("Two different client ids are in one request"),
        _("Leave client_id out of the form, or make it the same one."),
        "client_id",
    ),
    Rule.UNKNOWN_CLIENT: Words(
        _("No client here has the id that you sent"),
        _("Copy the client id from the client's page. An earlier id stops immediately when a new one is made."),
        "client_id",
    ),
    Rule.CLIENT_NOT_ACTIVE: Words(
        _("The client is suspended or closed"), _("Ask the Security team why: only they can reactivate it.")
    ),
    Rule.SECRET_WRONG: Words(
        _("The client secret is wrong"),
        _("Reveal the secret on the client's page and copy it again, whole. Look for a line end or a quote around it."),
        "client_secret",
    ),
    Rule.SECRET_ENDED: Words(
        _("The client secret was replaced and its transition period is over"),
        _("Reveal the new secret on the client's page and set it in your software."),
        "client_secret",
    ),
    Rule.SECRET_NOT_ALLOWED: Words(
        _("Secrets are turned off for this client"),
        _("Authenticate with a key (private_key_jwt), or turn secrets on again on the client's page."),
    ),
    Rule.CREDENTIAL_ENDED: Words(
        _("The key, secret or trust has reached its end: each works for a limited time"),
        _("Extend the trust on the client's page, or add a key or make a secret there and set it in your software."),
    ),
}

OF_POLICY: dict[str, Words] = {
    Rule.POLICY: Words(
        _("A policy no longer allows what the request used"),
        _("Change it to what is expected. The page of the client says since when, and the Security team says why."),
    ),
}

OF_ASSERTIONS: dict[str, Words] = {
    Rule.ASSERTION_TYPE: Words(
        _("The client_assertion_type is wrong"), _("Copy the expected value exactly."), "client_assertion_type"
    ),
    Rule.ASSERTION_TOO_LARGE: Words(
        _("The client assertion is too long"),
        _("Leave out the certificate chain and other claims: a kid is enough."),
        "client_assertion",
    ),
    Rule.ASSERTION_FORM: Words(_("The assertion is no signed JSON Web Token"), LIBRARY, "client_assertion"),
    Rule.ASSERTION_ENCRYPTED: Words(
        _("The assertion is encrypted"), _("Sign it only. The connection is encrypted already."), "client_assertion"
    ),
    Rule.ASSERTION_DUPLICATE_MEMBER: Words(_("The assertion has a member twice"), LIBRARY),
    Rule.ALGORITHM: Words(
        _("The signature algorithm is not accepted"), _("Sign with one of the expected algorithms."), "alg"
    ),
    Rule.ALGORITHM_NOT_OF_KEY: Words(
        _("The algorithm does not fit the key"), _("Set alg to one that the key can verify, or use another key."), "alg"
    ),
    Rule.CRITICAL_HEADER: Words(_("The assertion demands an extension"), _("Leave crit out of its header."), "crit"),
    Rule.TYP: Words(_("The assertion has an unexpected typ"), _("Set typ to JWT, or leave it out."), "typ"),
    Rule.NO_KEYS: Words(
        _("The client has no key that can be used"),
        _("Upload the public key or certificate on the client's page first."),
    ),
    Rule.KID: Words(
        _("We do not know the key id that you used"),
        _("Set kid to one that we know for this client. If you changed to a new key, upload that key first."),
        "kid",
    ),
    Rule.KID_AMBIGUOUS: Words(
        _("Several keys fit, and the assertion names none"), _("Put the kid of your key into the header."), "kid"
    ),
    Rule.KEY_NOT_USABLE: Words(
        _("The key cannot be used now: it is staged, retired or expired"),
        _("Activate it on the client's page if it is staged. Otherwise sign with the key in use, or add a new one."),
        "kid",
    ),
    Rule.SIGNATURE: Words(
        _("The signature does not fit the key"),
        _("Sign with the private key that belongs to the key named. Often an old private key is still on the server."),
    ),
    Rule.ISSUER: Words(_("The issuer is not your client id"), _("Set iss to the client id."), "iss"),
    Rule.SUBJECT: Words(_("The subject is not your client id"), _("Set sub to the client id."), "sub"),
    Rule.AUDIENCE: Words(
        _("The aud of your client assertion is not one of our addresses"),
        _("Set aud to the expected value, alone, as one text. Many libraries call it “audience”."),
        "aud",
    ),
    Rule.EXPIRY: Words(
        _("The expiry time is missing or no number"), _("Set exp to a number of seconds since 1970."), "exp"
    ),
    Rule.EXPIRED: Words(
        _("The assertion had expired when it arrived"),
        _("Make a new one for each request, valid for a minute. If you do, your server's clock is behind: use NTP."),
        "exp",
    ),
    Rule.EXPIRES_TOO_LATE: Words(
        _("The assertion would be valid for too long"),
        _("Set exp to a minute ahead: that is enough for any request."),
        "exp",
    ),
    Rule.ISSUED_AT: Words(_("Your server's clock is ahead"), NTP, "iat"),
    Rule.NOT_BEFORE: Words(_("Your server's clock is ahead"), NTP, "nbf"),
    Rule.JTI: Words(_("The assertion has no usable jti"), _("Set jti to a new random UUID in every assertion."), "jti"),
    Rule.BEFORE_RESTORE: Words(
        _("The assertion is from before the database was restored"),
        _("Make a new assertion for every request, with iat. One from before may have been used already."),
        "iat",
    ),
    Rule.REPLAYED: Words(
        _("The same assertion was used twice"),
        _("Make a new one, with a new jti, for each request, a repeated one included."),
        "jti",
    ),
}

OF_FEDERATED: dict[str, Words] = {
    Rule.FEDERATED_ISSUER: Words(
        _("The client does not trust the issuer of the token"),
        _("Add a trust on the client's page. An issuer that the Security team has disabled is refused everywhere."),
        "iss",
    ),
    Rule.FEDERATED_SUBJECT: Words(
        _("The client does not trust the subject of the token"),
        _("Compare letter by letter: capitals count. If the job or account is a new one, add a trust for its subject."),
        "sub",
    ),
    Rule.FEDERATED_CLAIM: Words(
        _("The claim %(claim)s of the token is not the one that the trust asks for"),
        _("Compare the claim with the trust on the client's page. If the new value is right, add a trust for it."),
    ),
    Rule.FEDERATED_AUDIENCE: Words(
        _("The aud of the token is not the expected one"),
        _("Ask your platform for a token with the expected audience and no other."),
        "aud",
    ),
    Rule.FEDERATED_KEYS_UNAVAILABLE: Words(
        _("We have no current keys of the issuer"),
        _("Nothing is wrong with your token. Try again in a few minutes. If this goes on, ask the Security team."),
    ),
}

OF_SCOPES_AND_TOKENS: dict[str, Words] = {
    Rule.SCOPE_SYNTAX: Words(
        _("The scope cannot be read"), _("Put one space between two scopes, no commas or quotes."), "scope"
    ),
    Rule.SCOPE_UNKNOWN: Words(
        _("A requested scope does not exist (any more)"),
        _("Compare with the expected ones, letter by letter: capitals count."),
        "scope",
    ),
    Rule.SCOPE_RETIRED: Words(
        _("The scope is retired"),
        _("Name the scope that replaces it, or leave it out. What the client lacks, ask for on the client's page."),
        "scope",
    ),
    Rule.SCOPE_NOT_GRANTED: Words(
        _("The client does not have this scope"),
        _("Ask for one that it has, or ask for more scopes on the client's page."),
        "scope",
    ),
    Rule.SCOPE_NEEDS_KEY: Words(
        _("A secret does not get this scope"),
        _("Authenticate with a key of the client. The scopes of Keydesk's own API need one, apart from keydesk.self."),
        "scope",
    ),
    Rule.SCOPE_NO_DEFAULT: Words(
        _("No scope was asked for, and the client has no default"), _("Name the scopes in the request."), "scope"
    ),
    Rule.NO_TOKEN: Words(_("The call has no access token"), _("Send it as Authorization: Bearer and the token.")),
    Rule.TOKEN_NOT_ACTIVE: Words(
        _("The access token does not work (any more)"),
        _("Ask for a new one: it expired, was invalidated, or is of another environment."),
        "access_token",
    ),
    Rule.INSUFFICIENT_SCOPE: Words(
        _("The token lacks the scope that this resource needs"), _("Ask for a token with that scope."), "scope"
    ),
}

OF_OURS: dict[str, Words] = {
    Rule.UNAVAILABLE: Words(
        _("We could not answer at that moment"),
        _("Nothing is wrong with your request. Send it again, after as many seconds as Retry-After says."),
    ),
    Rule.SERVER_ERROR: Words(
        _("Something went wrong on our side"), _("Nothing is wrong with your request. Report the request id to us.")
    ),
}

REMARKS: dict[str, Words] = {
    Rule.LONG_LIFETIME: Words(
        _("Your assertions are valid for a long time"),
        _("They work, but a stolen one can be used for as long. Set exp to a minute ahead."),
        "exp",
    ),
    Rule.CLOCK_AHEAD: Words(_("Your server's clock is a little ahead"), NTP, "iat"),
}

WORDS: dict[str, Words] = {
    **OF_THE_REQUEST, **OF_AUTHENTICATION, **OF_POLICY, **OF_ASSERTIONS, **OF_FEDERATED, **OF_SCOPES_AND_TOKENS,
    **OF_OURS, **REMARKS,
}  # fmt: skip

UNKNOWN = Words(_("The request was refused"), _("Ask us with the request id: we can see more."))


def of_rule(rule: str) -> Words:
    """Return the words of a rule, also of one that a later version dropped: its entries are kept for a month."""
    return WORDS.get(rule, UNKNOWN)
