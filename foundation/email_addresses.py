"""Mail addresses: one normal form for every spelling, and one key for the person behind it.

`normal`, for storing, mailing and showing: NFKC, lower case, the domain as A-labels (RFC 5890, mapped by UTS 46, as
browsers do) and without its trailing dot. `mailbox`, for limits, look-ups and the two-person rule: the normal form
without a "+tag" (RFC 5233), because most mail servers deliver `noor+x@` to the person who reads `noor@`.
"""

from __future__ import annotations

import re
import unicodedata

import idna

MAX_LENGTH = 254  # characters, before and after normalising (RFC 5321 section 4.5.3.1.3, less the brackets)
_ATOM = re.compile(r"[-!#$%&'*+/=?^_`{|}~.0-9a-z]+")


class NotAnAddress(ValueError):
    """Text without a normal form, which no mail server would take for the mailbox that it seems to name."""


def normal(text: str) -> str:
    """Return the normal form of an address. Raises NotAnAddress."""
    if len(text) > MAX_LENGTH:
        raise NotAnAddress("too long")
    local, _at, domain = unicodedata.normalize("NFKC", text.strip()).rpartition("@")
    address = f"{_local_part(local)}@{domain_name(domain)}"
    if len(address) > MAX_LENGTH:
        raise NotAnAddress("too long")
    return address


def mailbox(text: str) -> str:
    """Return the key under which all spellings of one person's address are the same.

    A text without a normal form is compared as it is: a row from before this rule must not stop a page.
    """
    try:
        address = normal(text)
    except NotAnAddress:
        return text.strip().lower()
    local, _at, domain = address.rpartition("@")
    return f"{_untagged(local)}@{domain}"


def spellings(text: str) -> list[str]:
    """Return the keys under which a person with this address may be stored, the most exact one first.

    A row that was written without a normal form, directly in the database, has the key of its own spelling. Two people
    with spellings of one mailbox each find their own rows.
    """
    typed = text.strip().lower()
    try:
        found = [typed, normal(text), mailbox(text)]
    except NotAnAddress:
        found = [typed]
    return list(dict.fromkeys(found))


def is_same_person(one: str, other: str) -> bool:
    return mailbox(one) == mailbox(other)


def domain_of(text: str) -> str:
    """Return the domain in its normal form, or as it is written when it has none."""
    return mailbox(text).rpartition("@")[2]


def domain_name(text: str) -> str:
    """Return a domain in lower case, as A-labels, without its trailing dot. Raises NotAnAddress."""
    text = text.lower()
    if not text.isascii():
        try:
            text = idna.uts46_remap(text, std3_rules=False)
        except idna.IDNAError as error:
            raise NotAnAddress(str(error)) from error
    domain = ".".join(_a_label(label) for label in text.removesuffix(".").split("."))
    if not domain.strip("."):
        raise NotAnAddress("no domain")
    return domain


def in_unicode(domain: str) -> str:
    """Return a domain for people to read, with its A-labels decoded to letters. Never raises."""
    return ".".join(_u_label(label) for label in domain.split("."))


def in_full(address: str) -> str:
    """Return an address or domain for people to read, followed by its A-labels if it has non-ASCII letters."""
    local, at, domain = address.rpartition("@")
    letters = in_unicode(domain)
    return address if letters == domain else f"{local}{at}{letters} ({domain})"


def _local_part(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == '"':  # "noor"@ and noor@ are the same mailbox (RFC 5321 section 4.1.2)
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    text = text.lower()
    if not _ATOM.fullmatch(text):
        raise NotAnAddress("characters that mail servers do not take alike")
    return text


def _untagged(local: str) -> str:
    return local.partition("+")[0] or local


def _a_label(label: str) -> str:
    if label.isascii() and not label.startswith("xn--"):
        return label
    try:
        return idna.alabel(label).decode()
    except idna.IDNAError as error:
        raise NotAnAddress(str(error)) from error


def _u_label(label: str) -> str:
    try:
        return idna.ulabel(label) if label.startswith("xn--") else label
    except idna.IDNAError:
        return label
