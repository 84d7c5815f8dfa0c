"""Names that people type: validation, and detection of look-alikes.

Refused: names without a letter, with invisible or loose marks, or with an address in them. Deceptive names (mixed
alphabets, look-alikes) can be legitimate, so forms accept them and the review page warns of them
(portal/pages/review/risk_signals.py).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from foundation.invisible_characters import INVISIBLE, has_invisible

MAX_LENGTH = 1000  # characters; forms refuse longer names for their length
MAX_MARKS = 3  # on one letter

ADDRESS = re.compile(r"://|www\.|@")
MARKS = ("Mn", "Mc", "Me")
OVERLAY = 1  # canonical combining class of strokes through a letter

# Letters of other alphabets that look like Latin ones: the part of confusables.txt (UTS 39) that European names need.
_CAPITALS = (
    ("АВСЕНІЈКМОРЅТУХҮԌ", "ABCEHIJKMOPSTYXYG"),  # Cyrillic
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"),  # Greek
    ("ՏԼՕ", "SLO"),  # Armenian
    ("ᎪᏴᏟᎬᎻᎫᏦᏞᎷᏢᏚᎢᏙᎳᏃᏀᎡ", "ABCEHJKLMPSTVWZGR"),  # Cherokee
)
_SMALL = (
    ("авсеһіјкморѕтухьԁԛԝӏгпѵ", "abcehijkmopstyxbdqwlrnv"),
    ("αγεηικνορστυχως", "ayenikvopotuxws"),
    ("օոսցհյզ", "onughjq"),
    ("ıɑɡɩøđłħŧƀ", "iagiodlhtb"),
)
LOOKS_LIKE = {ord(other): latin for pair in (*_CAPITALS, *_SMALL) for other, latin in zip(*pair, strict=True)}
# After case folding: "I", "l", "1" and "|" are one stroke, "0" is an "o".
SAME_SHAPE = str.maketrans({"i": "l", "1": "l", "|": "l", "0": "o"})
EAST_ASIAN_SCRIPTS = {"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"}


def check_name(text: str) -> None:
    """Raise ValidationError unless the text can be the name of a person, an organisation, a client or a key."""
    if len(text) > MAX_LENGTH:
        return
    _check_characters(text)
    plain = unicodedata.normalize("NFKC", text)
    if not any(map(str.isalpha, plain)):
        raise ValidationError(_("Enter a name with letters in it."))
    if ADDRESS.search(plain.casefold()):
        raise ValidationError(_("Enter a name without an address: no “@”, “www.” or “://”."))


def check_line(text: str) -> None:
    """Raise ValidationError for a text that disguises itself, or is an address. It may be a number."""
    if len(text) > MAX_LENGTH:
        return
    _check_characters(text)
    if ADDRESS.search(unicodedata.normalize("NFKC", text).casefold()):
        raise ValidationError(_("Leave out the address: no “@”, “www.” or “://”."))


def _check_characters(text: str) -> None:
    if has_invisible(text):
        raise ValidationError(_("Leave out the invisible characters: type this text instead of pasting it."))
    if _has_loose_marks(text):
        raise ValidationError(_("Leave out the strokes and loose accents: type this text instead of pasting it."))


def _has_loose_marks(text: str) -> bool:
    """Return whether there is a mark on no letter, a stroke through a letter, or a pile of more than MAX_MARKS."""
    marks, on_letter = 0, False
    for char in unicodedata.normalize("NFC", text):
        if unicodedata.category(char) not in MARKS:
            marks, on_letter = 0, not char.isspace()
            continue
        marks += 1
        is_stroke = unicodedata.category(char) == "Me" or unicodedata.combining(char) == OVERLAY
        if not on_letter or is_stroke or marks > MAX_MARKS:
            return True
    return False


@lru_cache(maxsize=4096)  # lists compare each name with the same few
def is_disguised(text: str) -> bool:
    """Return whether a name mixes alphabets, or has Latin letters in circles or full width."""
    plain = unicodedata.normalize("NFKC", text)
    scripts = {_script(char) for char in plain if char.isalpha()} - {"MODIFIER"}
    several = len(scripts) > 1 and scripts != {"LATIN", "EAST ASIAN"}
    return several or any(not char.isascii() and _is_ascii_letter(char) for char in text)


def _script(letter: str) -> str:
    first = unicodedata.name(letter, "UNKNOWN").partition(" ")[0]
    return "EAST ASIAN" if first in EAST_ASIAN_SCRIPTS else first


def _is_ascii_letter(char: str) -> bool:
    plain = unicodedata.normalize("NFKC", char)
    return plain.isascii() and plain.isalpha()


@lru_cache(maxsize=4096)
def skeleton(text: str) -> str:
    """Return the shape of a name: names that look alike have the same skeleton, as in UTS 39 section 4."""
    seen = INVISIBLE.sub("", unicodedata.normalize("NFKC", text[:MAX_LENGTH]))
    bare = "".join(char for char in unicodedata.normalize("NFD", seen) if unicodedata.category(char) not in MARKS)
    shapes = bare.translate(LOOKS_LIKE).casefold().translate(SAME_SHAPE)
    words = "".join(char if char.isalnum() else " " for char in shapes).split()
    return " ".join(words).replace("rn", "m").replace("vv", "w")


def looks_like(text: str, name: str) -> bool:
    """Return whether a reader may take `text` for this person: it has all words of the full name, in any order."""
    theirs, typed = skeleton(name).split(), skeleton(text).split()
    return theirs == typed or (len(theirs) > 1 and set(theirs) <= set(typed))
