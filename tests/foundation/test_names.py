"""Texts that are no names, and names that look like another person's."""

import pytest
from django.core.exceptions import ValidationError

from clients import keymaterial
from clients.keymaterial import KeyRefused
from foundation import names
from tests.support.clock import seconds_taken

GOOD = [
    "Noor El Amrani",
    "Jürgen Weiß",
    "Nguyễn Văn Ánh",
    "Дмитрий Иванов",
    "שָׁלוֹם",
    "日本語 Ltd",
    "O’Neill & Zn.",
    "A4",
    "é",
]


@pytest.mark.parametrize("name", GOOD)
def test_names_of_all_languages_are_names(name: str) -> None:
    names.check_name(name)
    assert not names.is_disguised(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("\u3164\u3164", "invisible"),
        ("\u115f", "invisible"),
        ("\u034f", "invisible"),
        ("\ufe0f", "invisible"),
        ("\u2800\u2800", "invisible"),
        ("Noor\u3164El", "invisible"),
        ("Noor\u200bEl", "invisible"),
        ("Noor\u202eEl", "invisible"),
        ("\u0301Noor", "loose accents"),
        ("Noor \u0301", "loose accents"),
        ("N\u0336oor", "strokes"),
        ("N\u20ddoor", "strokes"),
        ("N\u0300\u0301\u0302\u0303\u0304oor", "strokes"),
        ("4711", "letters"),
        ("24/7 - !", "letters"),
        ("Log in at https://evil.example", "address"),
        ("http：／／evil", "address"),
        ("WWW．evil.example", "address"),
        ("noor＠keydesk.example", "address"),
    ],
)
def test_what_is_no_name_is_refused(name: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        names.check_name(name)


@pytest.mark.parametrize("line", ["4711", "PO 2026/0417-A", "#12", "Нр 7"])
def test_a_line_may_be_a_number(line: str) -> None:
    names.check_line(line)


@pytest.mark.parametrize(
    ("line", "words"), [("4711\u202e", "invisible"), ("47\u0336", "strokes"), ("www.evil.example/47", "address")]
)
def test_a_line_that_disguises_itself_is_refused(line: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        names.check_line(line)


@pytest.mark.parametrize("name", ["Noor El Аmrani", "Brаm", "ⓛeiestroom", "Ｂｒａｍ", "Μ-Bank", "vlааnderen"])
def test_letters_of_several_alphabets_are_a_disguise(name: str) -> None:
    assert names.is_disguised(name)


@pytest.mark.parametrize(
    "typed",
    [
        "Bram Wouters",
        "bram  wouters",
        "Wouters, Bram",
        "Brаm Wouters",
        "Вrаm Wоutеrs",
        "BRAM W0UTERS",
        "Brám Wouters",
        "Bram Wouters (Security team)",
        "Bram VVouters",
        "Βram Wouters",
    ],
)
def test_a_look_alike_passes_for_the_name(typed: str) -> None:
    assert names.looks_like(typed, "Bram Wouters")


def test_a_large_i_passes_for_a_small_l() -> None:
    assert names.looks_like("Noor EI Amrani", "Noor El Amrani")


@pytest.mark.parametrize("typed", ["Bram", "Wouters", "Bram Peeters", "Wim Goossens", "Bramwouters"])
def test_another_name_does_not(typed: str) -> None:
    assert not names.looks_like(typed, "Bram Wouters")


def test_one_word_passes_for_the_same_word_only() -> None:
    assert names.looks_like("Ада", "Ада")
    assert not names.looks_like("Ada Claes", "Ada")


@pytest.mark.parametrize("text", ["a\u0301", "://", "\u3164", "rn", "www", "\u0301", "Ａ"])
def test_half_a_megabyte_takes_no_time(text: str) -> None:
    long = text * (512_000 // len(text))

    def read() -> None:
        names.skeleton(long)
        names.is_disguised(long[: names.MAX_LENGTH])
        names.check_name(long)

    assert seconds_taken(read) < 0.05


@pytest.mark.parametrize("kid", ["\u3164", "key\u034f", "\u2800"])
def test_a_key_id_that_is_not_to_be_seen_is_refused(kid: str) -> None:
    with pytest.raises(KeyRefused):
        keymaterial.check_kid(kid)
