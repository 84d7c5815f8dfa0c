"""The likely slip behind a refusal: one sentence with the evidence for it.

tokens/protocol/slips.py finds the slips that need the value sent; the others follow from the facts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.explanations.facts import in_milliseconds, moment_of, names_of, seconds_of
from portal.explanations.trusts import OF_AN_ISSUER
from portal.explanations.words import Text, of_rule
from portal.ui.dates import exactly
from tokens.protocol.errors import Rule
from tokens.protocol.slips import near, word_for

LONG_AGO = 3600  # seconds: more than any clock is off, so the assertion was made once and kept


@dataclass(frozen=True)
class Slip:
    """Slip; its `title`, `fix` and `command`, where given, replace those of the rule."""

    claim: Text
    detail: Text = ""
    title: Text = ""
    fix: Text = ""
    command: str = ""


WITHOUT_LINE_END = "export KEYDESK_CLIENT_SECRET=\"$(tr -d '\\r\\n' < secret.txt)\""
COPY_AGAIN = gettext_lazy("Reveal the secret on the client's page and copy it whole, with the button.")
SET_VARIABLE = gettext_lazy(
    "Set the variable where your software runs, and let it stop with an error when it is empty."
)
WITHOUT_IT = gettext_lazy("Without it, what you sent is the secret of this client.")

# By the code of tokens/protocol/slips.py.
OF_A_SECRET = {
    "empty": Slip(
        gettext_lazy("Most likely: the variable that should hold the secret is not set."),
        title=gettext_lazy("The client secret is empty"),
        fix=SET_VARIABLE,
    ),
    "unset": Slip(
        gettext_lazy("Most likely: the variable that should hold the secret is not set."),
        gettext_lazy("You sent a word that programs write for a missing value, such as null, None or undefined."),
        gettext_lazy("The client secret is a word for “nothing”"),
        SET_VARIABLE,
    ),
    "variable": Slip(
        gettext_lazy("Most likely: nothing put the value in the place of the variable's name."),
        gettext_lazy("You sent the name of a variable, such as $SECRET or ${SECRET}."),
        gettext_lazy("The client secret is the name of a variable"),
        gettext_lazy(
            "Look where the variable should be replaced: quotes, a template or a settings file often prevent it."
        ),
    ),
    "placeholder": Slip(
        gettext_lazy("Most likely: a sample was copied and its placeholder left in."),
        title=gettext_lazy("The client secret is the placeholder of a sample"),
        fix=gettext_lazy("Put the secret of your client in its place."),
    ),
    "line_end": Slip(
        gettext_lazy("Most likely: it was read from a file or a prompt together with its line end."),
        WITHOUT_IT,
        gettext_lazy("A line end came along with your client secret"),
        gettext_lazy("Strip line ends and blanks when you read it:"),
        WITHOUT_LINE_END,
    ),
    "blank": Slip(
        gettext_lazy("Most likely: a blank was copied along with it."),
        WITHOUT_IT,
        gettext_lazy("A blank came along with your client secret"),
        gettext_lazy("Remove the blank before or after it, or strip blanks when you read it."),
    ),
    "quote": Slip(
        gettext_lazy("Most likely: the quotes around it in a settings file became part of it."),
        WITHOUT_IT,
        gettext_lazy("Quotes came along with your client secret"),
        gettext_lazy("Write it without quotes: in an .env file for Docker, for example, they count."),
    ),
    "token": Slip(
        gettext_lazy("The value that you sent begins with kdt_, as our access tokens do."),
        title=gettext_lazy("You sent an access token as the client secret"),
        fix=gettext_lazy("Send the client secret: it begins with kds_."),
    ),
    "assertion": Slip(
        gettext_lazy("The value that you sent looks like a JSON Web Token."),
        title=gettext_lazy("You sent a JSON Web Token as the client secret"),
        fix=gettext_lazy("Send an assertion as client_assertion, with its client_assertion_type."),
    ),
    "client_id": Slip(
        gettext_lazy("The secret that you sent is the client id."),
        title=gettext_lazy("The client id was sent as the secret too"),
        fix=gettext_lazy("Send the client secret: it begins with kds_."),
    ),
    "cut": Slip(
        gettext_lazy("It begins like one of ours and is too short: part of it is missing."),
        title=gettext_lazy("The client secret is cut off"),
        fix=COPY_AGAIN,
    ),
    "long": Slip(
        gettext_lazy("It begins like one of ours and is too long: something was pasted along with it."),
        title=gettext_lazy("More than the client secret was sent"),
        fix=COPY_AGAIN,
    ),
    "mistyped": Slip(
        gettext_lazy("It has the length of one of ours, but a character is another one: its last six are a checksum."),
        title=gettext_lazy("The client secret has a typing error"),
        fix=COPY_AGAIN,
    ),
    "other": Slip(
        gettext_lazy("It is a whole Keydesk secret, but not one of this client."),
        gettext_lazy("Most likely: it is of another client, of another environment, or one that was replaced."),
        fix=gettext_lazy("Compare its last four characters with those on the client's page."),
    ),
}

OF_A_TOKEN = {
    "secret": Slip(
        gettext_lazy("The value that you sent begins with kds_, as our client secrets do."),
        title=gettext_lazy("You sent a client secret as the access token"),
        fix=gettext_lazy("Ask for a token with the secret first, and replace the secret: it may have been logged."),
    ),
    "empty": Slip(gettext_lazy("Most likely: the variable that should hold the token is not set.")),
    "unset": Slip(gettext_lazy("Most likely: the variable that should hold the token is not set.")),
    "variable": Slip(gettext_lazy("Most likely: nothing put the value in the place of the variable's name.")),
    "placeholder": Slip(gettext_lazy("Most likely: a sample was copied and its placeholder left in.")),
    "": Slip(gettext_lazy("Most likely: the token was cut off or changed on the way. Store it whole, without quotes.")),
}

OF_A_NAME = {
    "empty": gettext_lazy("Most likely: the variable that should hold it is not set."),
    "unset": gettext_lazy("Most likely: the variable that should hold it is not set."),
    "variable": gettext_lazy("Most likely: nothing put the value in the place of the variable's name."),
    "placeholder": gettext_lazy("Most likely: a sample was copied and its placeholder left in."),
}

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_CLIENT_ID = re.compile(r"[0-9a-z]{12}")


def likely(rule: str, facts: Mapping[str, Any]) -> Slip | None:
    """Return the slip that the facts show, or None."""
    find = FINDERS.get(rule)
    if "issuer" in facts and rule in OF_AN_ISSUER:
        claim, fix = OF_AN_ISSUER[rule]
        return Slip(claim, fix=fix)
    return (find(facts) if find else None) or _in_a_name(rule, facts)


def _token(facts: Mapping[str, Any]) -> Slip | None:
    return OF_A_TOKEN.get(facts["slip"]) if "slip" in facts else None


def _in_a_name(rule: str, facts: Mapping[str, Any]) -> Slip | None:
    """Return the slip of a value that is a placeholder or an unset variable, or nearly a right one."""
    name, sent = of_rule(rule).name, facts.get("sent")
    for value in sent if isinstance(sent, list) else [sent]:
        if isinstance(value, str) and (claim := OF_A_NAME.get(word_for(value))):
            return Slip(claim)
    if isinstance(meant := facts.get("near"), str):
        differs = _("The %(name)s that you sent differs from it in one place.") % {"name": name}
        fix = _("Write it as %(name)s.") % {"name": meant} if rule == Rule.SCOPE_UNKNOWN else ""
        return Slip(_("Did you mean %(name)s?") % {"name": meant}, differs, fix=fix)
    return None


def _scope(facts: Mapping[str, Any]) -> Slip | None:
    if separator := facts.get("separator"):
        meant = " ".join(facts["sent"]).replace(separator, " ").split()
        is_known = set(meant) <= set(names_of(facts.get("expected")))
        return Slip(
            _("Most likely: several scopes with %(separator)s between them.") % {"separator": separator},
            _("Did you mean %(name)s?") % {"name": " ".join(meant)} if is_known else "",
            fix=_("Put one blank between two scopes, and let your HTTP library encode it, once."),
        )
    return None


def _scope_syntax(facts: Mapping[str, Any]) -> Slip | None:
    sent = str(facts.get("sent", ""))
    if sent.startswith(("[", '"', "'", "{")):
        return Slip(_("Most likely: a list or its quotes were sent as text."))
    return None


def _milliseconds(facts: Mapping[str, Any]) -> Slip | None:
    meant = in_milliseconds(facts.get("sent"))
    if meant is None:
        return None
    return Slip(
        _("Most likely: milliseconds instead of seconds."),
        _("Divided by 1000 it is %(moment)s.") % {"moment": moment_of(meant)},
        fix=_("Divide by 1000: JWT times are seconds since 1970, as whole numbers."),
    )


def _expired(facts: Mapping[str, Any]) -> Slip | None:
    """Tell an assertion that is kept (old, or sent before) from a clock that is behind (a young one)."""
    if slip := _milliseconds(facts):
        return slip
    issued, ours = seconds_of(facts.get("issued_at")), seconds_of(facts.get("our_clock"))
    age = ours - issued if issued is not None and ours is not None and ours > issued else None
    made = _("It says that it was made %(span)s before it arrived.") % {"span": exactly(age)} if age else ""
    repeated = facts.get("repeated")
    if repeated or (age and age >= LONG_AGO):
        same = _("The last %(n)s that were refused carry the same jti.") % {"n": repeated} if repeated else ""
        return Slip(
            _("Most likely: your software makes the assertion once and keeps it."),
            same or made,
            fix=_("Make a new assertion inside the function that asks for a token, with the time of that moment."),
        )
    return (
        Slip(_("Either your server's clock is behind, or the assertion waited before it was sent."), made)
        if age
        else None
    )


def _algorithm(facts: Mapping[str, Any]) -> Slip | None:
    sent, expected = str(facts.get("sent", "")), names_of(facts.get("expected"))
    only = {"algorithm": expected[0]} if len(expected) == 1 else None
    fix = _("Sign with %(algorithm)s: your client's key can do no other.") % only if only else ""
    if sent.startswith("HS"):
        return Slip(
            _("%(algorithm)s signs with a secret that both sides know; a client here signs with a private key.")
            % {"algorithm": sent},
            fix=fix,
        )
    return Slip(fix, fix=fix) if fix else None


def _audience(facts: Mapping[str, Any]) -> Slip | None:
    sent, allowed = facts.get("sent"), names_of(facts.get("expected"))
    if isinstance(sent, list) and any(value in allowed for value in sent):
        return Slip(_("Most likely: your library sends a list. One of its values is right; send that one as a text."))
    if not isinstance(sent, str):
        return None
    for value in allowed:
        if sent.rstrip("/") == value.rstrip("/"):
            return Slip(_("The slash at the end makes the difference."))
        if sent.partition("://")[2] == value.partition("://")[2]:
            return Slip(_("http and https make the difference."))
        if near(sent, [value]):
            return Slip(_("It differs from an expected value in one place."))
    return None


def _unknown_client(facts: Mapping[str, Any]) -> Slip | None:
    sent = facts.get("sent")
    if not isinstance(sent, str) or word_for(sent):
        return None
    if sent.strip() != sent or "\\u000a" in sent or "\\u000d" in sent:
        return Slip(_("A blank or a line end came along with the client id."))
    if _UUID.fullmatch(sent):
        return Slip(_("That is the number in the address of a page. The client id is on the page, with a Copy button."))
    if "@" in sent:
        return Slip(_("That is an e-mail address. The client id is on the client's page."))
    if _CLIENT_ID.fullmatch(sent):
        return Slip(
            _("Most likely: an id of another environment."),
            _("It has the form of a Keydesk client id. Environments share no ids, keys or secrets."),
        )
    return None


def _content_type(facts: Mapping[str, Any]) -> Slip | None:
    sent = str(facts.get("sent", "")).lower()
    if "json" in sent:
        return Slip(_("Your HTTP library sends JSON: use its option for a form instead (often “data” or “form”)."))
    if "multipart" in sent:
        return Slip(_("Your HTTP library sends a form for files: use its url-encoded form instead (curl -d, not -F)."))
    return None


FINDERS: dict[str, Callable[[Mapping[str, Any]], Slip | None]] = {
    Rule.SECRET_WRONG: lambda facts: OF_A_SECRET.get(facts.get("slip", "")),
    Rule.TOKEN_NOT_ACTIVE: _token,
    Rule.SCOPE_UNKNOWN: _scope,
    Rule.SCOPE_SYNTAX: _scope_syntax,
    Rule.EXPIRED: _expired,
    Rule.EXPIRES_TOO_LATE: _milliseconds,
    Rule.ISSUED_AT: _milliseconds,
    Rule.NOT_BEFORE: _milliseconds,
    Rule.ALGORITHM: _algorithm,
    Rule.ALGORITHM_NOT_OF_KEY: _algorithm,
    Rule.AUDIENCE: _audience,
    Rule.FEDERATED_AUDIENCE: _audience,
    Rule.UNKNOWN_CLIENT: _unknown_client,
    Rule.CONTENT_TYPE: _content_type,
}
