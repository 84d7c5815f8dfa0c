"""Numbers of organisations in the registers of their countries: validation, and one normal form for each.

`BE 0765.440.163` (the Belgian register KBO/BCE, with a check digit), `NL 12345678` (the Dutch KvK, which has none), and
for other countries their code and the number as the register writes it: `DE HRB 12345`. One normal form means that the
same number is the same organisation, however its name is spelled.
"""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

MAX_LENGTH = 40
BELGIUM, NETHERLANDS = "BE", "NL"
BELGIAN_MODULUS = 97

WITH_COUNTRY = re.compile(r"([A-Z]{2})(?:[ .:-]|(?=[0-9]))(.*[0-9].*)")
OTHER = re.compile(r"[A-Z0-9](?:[A-Z0-9 ./-]*[A-Z0-9])?")
BELGIAN = re.compile(r"[01][0-9]{9}")
DUTCH = re.compile(r"[0-9]{8}")


def normal(text: str) -> str:
    """Return the normal form; a text that is no such number, as it is, without surplus blanks."""
    typed = " ".join(text.upper().split())
    country, number = _read(typed)
    digits = _digits(number)
    if country == BELGIUM and BELGIAN.fullmatch(digits):
        return f"{BELGIUM} {digits[:4]}.{digits[4:7]}.{digits[7:]}"
    if country == NETHERLANDS and DUTCH.fullmatch(digits):
        return f"{NETHERLANDS} {digits}"
    if country not in ("", BELGIUM, NETHERLANDS) and OTHER.fullmatch(number):
        return f"{country} {number}"
    return " ".join(text.split())


def check(text: str) -> None:
    """Raise ValidationError unless the text is the number of an organisation."""
    country, number = _read(" ".join(text.upper().split()))
    if not country:
        raise ValidationError(_("Begin with the code of the country, for example “DE HRB 12345”."))
    if country == BELGIUM and not BELGIAN.fullmatch(_digits(number)):
        raise ValidationError(_("A Belgian enterprise number has ten digits and begins with 0 or 1."))
    if country == BELGIUM and not has_belgian_check_digits(_digits(number)):
        raise ValidationError(_("This is no Belgian enterprise number: its last two digits do not fit the others."))
    if country == NETHERLANDS and not DUTCH.fullmatch(_digits(number)):
        raise ValidationError(_("A Dutch KvK number has eight digits."))
    if country not in (BELGIUM, NETHERLANDS) and not OTHER.fullmatch(number):
        raise ValidationError(_("Write the number with letters, digits, blanks and the signs . / and - only."))


def has_belgian_check_digits(digits: str) -> bool:
    """Return whether the last two of ten digits are 97 less the remainder of the first eight by 97."""
    return BELGIAN_MODULUS - int(digits[:8]) % BELGIAN_MODULUS == int(digits[8:])


def country_of(number: str) -> str:
    """Return the country code of a number in normal form."""
    return number.partition(" ")[0]


def _read(typed: str) -> tuple[str, str]:
    """Return country and number. Without a country ten digits are Belgian, eight are Dutch."""
    digits = _digits(typed)
    if BELGIAN.fullmatch(digits):
        return BELGIUM, digits
    if DUTCH.fullmatch(digits):
        return NETHERLANDS, digits
    match = WITH_COUNTRY.fullmatch(typed)
    return (match[1], match[2].strip()) if match else ("", typed)


def _digits(number: str) -> str:
    return re.sub(r"[ .-]", "", number)
