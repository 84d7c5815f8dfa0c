"""PROTOCOL K-29: a refusal is a code and facts, which are data of a bounded length and never a secret."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients import keymaterial
from clients.keymaterial import formats
from clients.keymaterial.errors import COMPROMISING
from portal.explanations.keys import KEY_WORDS, explain_key
from tests.clients.keymaterial.support.making import ec_jwk, refused

PACKAGE = Path(str(keymaterial.__file__)).parent


def raised() -> list[ast.Call]:
    calls = [
        node
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "KeyRefused"
    ]
    return [call for call in calls if isinstance(call.args[0], ast.Constant)]


def placeholders(code: str) -> set[str]:
    words = KEY_WORDS[code]
    texts = (str(words.found), str(words.wanted), words.command)
    return {name for text in texts for name in re.findall(r"%\((\w+)\)s", text)}


def constants(call: ast.Call) -> Iterator[str]:
    for keyword in call.keywords:
        for node in ast.walk(keyword.value):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


@pytest.mark.parametrize("call", raised(), ids=lambda call: f"{call.args[0].value}-{call.lineno}")
def test_every_refusal_in_the_code_has_its_words_and_all_its_values(call: ast.Call) -> None:
    assert isinstance(call.args[0], ast.Constant)
    assert placeholders(str(call.args[0].value)) <= {keyword.arg for keyword in call.keywords}


@pytest.mark.parametrize("call", raised(), ids=lambda call: f"{call.args[0].value}-{call.lineno}")
def test_no_fact_in_the_code_is_a_phrase(call: ast.Call) -> None:
    assert not [text for text in constants(call) if " " in text]


def test_every_code_has_words_and_no_words_are_left_over() -> None:
    tables = (formats._SECRET_MEMBERS, formats._SECRET_FILES, formats._FOREIGN_FILES)
    by_table = {code for table in tables for code in table}
    assert {call.args[0].value for call in raised() if isinstance(call.args[0], ast.Constant)} | by_table == set(
        KEY_WORDS
    )
    assert set(KEY_WORDS) >= COMPROMISING


def test_values_from_the_upload_are_escaped_and_cut() -> None:
    refusal = refused(ec_jwk(crv="P-\u202e\x1b[2J" + "x" * 500))
    assert refusal.facts == {"crv": "P-\\u202e\\u001b[2J" + "x" * 32 + "…"}
    assert str(refusal).isprintable()
    assert str(explain_key(refusal)).isprintable()


CANARY = "c4n4ryc4n4ryc4n4ryc4n4ryc4n4ryc4n4ryc4n4ryc"


@pytest.mark.parametrize(
    "data",
    [
        f'{{"kty": "EC", "crv": "P-256", "d": "{CANARY}"}}',
        f'{{"kty": "oct", "k": "{CANARY}"}}',
        f'{{"kty": "oct", "k": "{CANARY}", "k": "{CANARY}"}}',
        f'{{"kty": "RSA", "d": "{CANARY}", "p": "{CANARY}"',
        f'{{"keys": [{{"kty": "oct", "k": "{CANARY}"}}]}}',
        f"kty: RSA\nd: '{CANARY}'",
        f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----",
        f"-----BEGIN CERTIFICATE-----\n{CANARY}\n-----END CERTIFICATE-----\n-----BEGIN EC PRIVATE KEY-----\n{CANARY}",
        f'{{"kty": "EC", "\\u0064": "{CANARY}"}}',
    ],
)
def test_a_secret_is_never_echoed(data: str) -> None:
    for kind in (None, "jwk", "certificate"):
        refusal = refused(data.encode(), kind=kind)
        assert CANARY not in f"{refusal} {refusal!r} {vars(refusal)} {explain_key(refusal)}"
    assert refused(data.encode()).compromised
