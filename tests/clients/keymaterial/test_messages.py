"""PROTOCOL K-29: each refusal says what was found, what is wanted and how to get there."""

import ast
import re
from pathlib import Path

import pytest

from clients import keymaterial
from clients.keymaterial import KeyRefused
from clients.keymaterial.texts import COMPROMISING, TEXTS
from tests.clients.keymaterial.making import ec_jwk, refused

PACKAGE = Path(str(keymaterial.__file__)).parent
TOOLS = ("openssl ", "jq ", "python3 -m json.tool ", "iconv ", "tr ")


def raised() -> list[ast.Call]:
    calls = [
        node
        for path in PACKAGE.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "KeyRefused"
    ]
    return [call for call in calls if isinstance(call.args[0], ast.Constant)]


def placeholders(*texts: str) -> set[str]:
    return {name for text in texts for name in re.findall(r"%\((\w+)\)s", text)}


@pytest.mark.parametrize("call", raised(), ids=lambda call: f"{call.args[0].value}-{call.lineno}")
def test_every_refusal_in_the_code_has_its_text_and_all_its_values(call: ast.Call) -> None:
    assert isinstance(call.args[0], ast.Constant)
    assert placeholders(*TEXTS[str(call.args[0].value)]) <= {keyword.arg for keyword in call.keywords}


def test_no_text_is_left_over() -> None:
    by_table = {"private_key_material", "symmetric_key", "pkcs12", "keystore", "pkcs7", "public_key", "utf16", "html"}
    by_table |= {"certificate_request", "trusted_certificate", "ssh_public_key", "pgp_key"}
    assert {call.args[0].value for call in raised() if isinstance(call.args[0], ast.Constant)} | by_table == set(TEXTS)


@pytest.mark.parametrize("reason", TEXTS)
def test_a_refusal_is_one_sentence_and_one_command(reason: str) -> None:
    found, wanted, how = TEXTS[reason]
    refusal = KeyRefused(reason, **dict.fromkeys(placeholders(found, wanted, how), "7"))
    assert found[0].isupper()
    assert not found.endswith((".", ":"))
    assert wanted[0].islower() or wanted.startswith(("JSON", "SSH"))
    assert how.startswith(TOOLS)
    assert "\n" not in str(refusal)
    assert "%" not in str(refusal)
    assert refusal.sentence().endswith(".")
    assert refusal.compromised == (reason in COMPROMISING)


def test_a_refusal_can_be_shown_in_another_language() -> None:
    dutch = {
        "The RSA key has %(bits)s bits": "De RSA-sleutel telt %(bits)s bits",
        "it must have 2048 to 8192": "dat moeten er 2048 tot 8192 zijn",
    }
    refusal = KeyRefused("rsa_too_small", bits="1024")
    translated = refusal.sentence(lambda text: dutch.get(text, text))
    assert translated == "De RSA-sleutel telt 1024 bits; dat moeten er 2048 tot 8192 zijn."


def test_values_from_the_upload_are_escaped_and_cut() -> None:
    refusal = refused(ec_jwk(crv="P-\u202e\x1b[2J" + "x" * 500))
    assert refusal.params == {"crv": "P-\\u202e\\u001b[2J" + "x" * 32 + "…"}
    assert str(refusal).isprintable()


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
        assert CANARY not in str(refusal) + repr(refusal) + repr(vars(refusal))
    assert refused(data.encode()).compromised
