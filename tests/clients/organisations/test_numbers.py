"""Numbers of organisations: check digits, and one normal form however they are typed."""

import pytest
from django.core.exceptions import ValidationError

from clients.organisations import numbers as organisation_numbers

BELGIAN, DUTCH, GERMAN = "BE 0765.440.163", "NL 12345678", "DE HRB 12345 B"


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("0765440163", BELGIAN),
        ("0765.440.163", BELGIAN),
        ("BE0765440163", BELGIAN),
        (" be 0765 440 163 ", BELGIAN),
        (BELGIAN, BELGIAN),
        ("12345678", DUTCH),
        ("nl 1234 5678", DUTCH),
        ("NL-12345678", DUTCH),
        ("de hrb  12345 b", GERMAN),
        ("FR 552 100 554", "FR 552 100 554"),
    ],
)
def test_every_spelling_has_the_same_normal_form(typed: str, normal: str) -> None:
    organisation_numbers.check(typed)
    assert organisation_numbers.normal(typed) == normal
    assert organisation_numbers.normal(normal) == normal


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("0765.440.164", "do not fit"),
        ("BE 0756.440.163", "do not fit"),
        ("BE 765.440.16", "ten digits"),
        ("BE 2765.440.163", "begins with 0 or 1"),
        ("NL 1234567", "eight digits"),
        ("NL 123456789B01", "eight digits"),
        ("HRB 12345", "code of the country"),
        ("Rekenhuis bv", "code of the country"),
        ("DE <b>1</b>", "letters, digits"),
    ],
)
def test_a_number_that_cannot_be_is_refused(typed: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        organisation_numbers.check(typed)


def test_any_wrong_digit_and_any_swap_of_neighbours_is_found() -> None:
    right = "0765440163"
    swapped = {right[:n] + right[n + 1] + right[n] + right[n + 2 :] for n in range(9)} - {right}
    changed = {right[:n] + digit + right[n + 1 :] for n in range(10) for digit in "0123456789"} - {right}
    assert not any(organisation_numbers.has_belgian_check_digits(number) for number in swapped | changed)
