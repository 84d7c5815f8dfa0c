"""PROTOCOL K-29 and R-31: a refused upload has one sentence and one command, in every language."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import translation
from django.utils.translation import trans_real

from clients.keymaterial import KeyRefused
from portal.explanations.keys import KEY_WORDS, NOTES, explain_key, notes_on_key
from portal.explanations.upload_words import LEAKED
from tests.portal.support.brackets import in_brackets, words_outside
from tests.support.prose import prose_in

MOMENT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
TOOLS = ("openssl ", "jq ", "python3 -m json.tool ", "iconv ", "tr ")
LANGUAGES = ("nl", "fr", "de")

# Facts of each code that has some, as keymaterial gives them.
FACTS: dict[str, dict[str, Any]] = {
    "private_key_material": {"sign": ["d", "p"]},
    "symmetric_key": {"sign": "k"},
    "too_large": {"limit": 65536},
    "pkcs7": {"form": "DER"},
    "certificate_request": {"form": "PEM"},
    "not_utf8": {"offset": 12},
    "not_json": {"line": 2, "column": 10},
    "bad_number": {"number": "NaN"},
    "duplicate_member": {"member": "kid"},
    "too_deep": {"limit": 8},
    "wrong_key_count": {"count": 11, "limit": 10},
    "duplicate_kid": {"kid": "k1"},
    "missing_member": {"member": "crv", "members": ["crv", "kty", "x"]},
    "not_a_string": {"member": "x"},
    "not_base64url": {"member": "x"},
    "wrong_length": {"member": "x", "length": 31, "crv": "P-256", "wanted": 32},
    "leading_zero": {"member": "n"},
    "malformed_kid": {"limit": 255},
    "unsupported_kty": {"kty": "AKP"},
    "unsupported_curve": {"crv": "secp256k1"},
    "key_agreement_key": {"crv": "X25519"},
    "wrong_use": {"use": "enc"},
    "wrong_alg": {"alg": "HS256", "description": "EC P-256", "algorithms": ["ES256"]},
    "malformed_x5c": {"limit": 10},
    "x5t_mismatch": {"member": "x5t"},
    "rsa_too_small": {"bits": 1024},
    "rsa_bad_exponent": {"bits": 2},
    "weak_rsa": {"factor": 3},
    "point_not_on_curve": {"crv": "P-256"},
    "too_many_certificates": {"count": 11, "limit": 10},
    "expired": {"not_after": MOMENT},
    "not_yet_valid": {"not_before": MOMENT},
    "weak_signature": {"algorithm": "RSA_WITH_SHA1"},
    "unsupported_key": {"algorithm": "ED448"},
    "unknown_critical_extension": {"oid": "1.2.3.4.1"},
}


def sample(code: str, **more: Any) -> KeyRefused:
    return KeyRefused(code, **FACTS.get(code, {}), **more)


@pytest.mark.parametrize("code", KEY_WORDS)
def test_a_refusal_is_one_sentence_and_one_command(code):
    words, explained = KEY_WORDS[code], explain_key(sample(code))
    found, wanted = str(words.found), str(words.wanted)
    assert found[0].isupper()
    assert not found.endswith((".", ":"))
    assert wanted[0].islower() or wanted.startswith(("JSON", "SSH"))
    assert explained.command.startswith(TOOLS)
    assert "\n" not in str(explained)
    assert "%" not in str(explained)
    assert explained.sentence.endswith(".")
    assert sample(code).compromised == (words.wanted is LEAKED)


@pytest.mark.parametrize("code", KEY_WORDS)
def test_every_word_of_a_refusal_comes_from_the_catalogue(code):
    with in_brackets():
        assert words_outside(explain_key(sample(code, position=2)).sentence) == []


@pytest.mark.parametrize("code", KEY_WORDS)
def test_no_fact_of_a_sample_is_a_phrase(code):
    assert prose_in(FACTS.get(code, {})) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", KEY_WORDS)
def test_a_refusal_has_no_english_text_on_a_page_in_another_language(code, language):
    with translation.override("en"):
        english = explain_key(sample(code, position=2))
    with translation.override(language):
        explained = explain_key(sample(code, position=2))
    catalogue = trans_real.translation(language)._catalog
    templates = [str(KEY_WORDS[code].found), str(KEY_WORDS[code].wanted), "Number %(position)s: %(sentence)s"]
    for template in templates:
        assert catalogue.get(template) not in (None, "", template), template
    assert prose_in({"left": without(explained.sentence, [catalogue[template] for template in templates])}) == []
    assert explained.sentence != english.sentence
    assert explained.command == english.command


def without(sentence: str, templates: list[str]) -> str:
    """Return what is left of a sentence without the texts of its templates: the facts."""
    for template in templates:
        for text in re.split(r"%\(\w+\)s", template):
            sentence = sentence.replace(text, " | ", 1) if text.strip() else sentence
    return sentence


def test_english_in_a_fact_would_be_found():
    with translation.override("nl"):
        sentence = explain_key(KeyRefused("wrong_use", use="meant for encryption only")).sentence
    catalogue = trans_real.translation("nl")._catalog
    words = KEY_WORDS["wrong_use"]
    left = without(sentence, [catalogue[str(words.found)], catalogue[str(words.wanted)]])
    assert prose_in({"left": left}) == [left]


def test_a_refusal_is_told_in_the_readers_language():
    with translation.override("nl"):
        explained = explain_key(sample("rsa_too_small", position=3))
    assert explained.sentence.startswith("Nummer 3: ")
    assert "1024" in explained.sentence


def test_a_moment_is_told_as_its_reader_is_used_to():
    with translation.override("en"):
        assert "24 November 2026, 10:30" in explain_key(sample("expired")).sentence
    with translation.override("nl"):
        assert "24 november 2026" in explain_key(sample("expired")).sentence


@pytest.mark.parametrize(
    ("part", "command"),
    [("key", "jq 'del(.keys[2])' key.json"), ("issuers", "openssl pkcs12 -export"), ("x5c", "jq 'del(.. | .x5c?)'")],
)
def test_what_can_be_left_out_has_its_command(part, command):
    assert explain_key(sample("expired", position=3, leave_out=part)).command.startswith(command)


@pytest.mark.parametrize("language", LANGUAGES)
def test_remarks_on_an_accepted_key_are_in_the_readers_language(language):
    with translation.override("en"):
        english = notes_on_key(NOTES)
    with translation.override(language):
        assert not set(notes_on_key(NOTES)) & set(english)
