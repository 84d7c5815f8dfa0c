"""PROTOCOL K-26: every case of tests/data/vectors/manifest.json, from the tests of other projects and from RFCs."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from clients import keymaterial
from clients.keymaterial import KeyRefused
from clients.keymaterial.arithmetic import rsa
from portal.explanations.keys import explain_key
from tests.support.clock import seconds_taken
from tests.support.prose import prose_in

VECTORS = Path(__file__).parents[2] / "data" / "vectors"
MANIFEST = json.loads((VECTORS / "manifest.json").read_text())
CASES: list[dict[str, Any]] = MANIFEST["cases"]
NOW = datetime.fromisoformat(MANIFEST["policy"]["reference_time"]).replace(tzinfo=UTC)
KINDS = {"jwk": "jwk", "cert": "certificate"}

# That a modulus is no prime takes a power as long as the modulus, which nothing makes quick (rsa.is_prime).
LONG_RSA_KEYS = {"rsa-3072-wyche", "rsa-4096-wyche", "rsa-8192-wyche"}

# The manifest's reasons, where ours have other or finer names.
SAME_REASON = {
    "alg_curve_mismatch": {"wrong_alg"},
    "duplicate_kid|jwks_not_jwk": {"duplicate_kid"},
    "expired": {"expired", "malformed_certificate"},  # one of the two has different inner and outer algorithms
    "expired|bad_serial": {"bad_serial"},
    "explicit_curve_params|expired": {"explicit_curve_params"},
    "keyops_duplicate": {"malformed_key_ops"},
    "malformed": {"empty", "not_an_object", "missing_member", "wrong_key_count", "unsupported_kty"},
    "malformed_alg": {"wrong_alg"},
    "private_key_material|wrong_use": {"private_key_material"},
    "point_not_on_curve": {"point_not_on_curve", "wrong_length", "unsupported_curve"},
    "symmetric_key|private_key_material|jwks_not_jwk": {"symmetric_key"},
    "unknown_alg": {"wrong_alg"},
    "use_keyops_conflict": {"wrong_use"},
}


def content(case: dict[str, Any]) -> bytes:
    if case["file"]:
        return (VECTORS / case["file"]).read_bytes()
    made = case["generate"]
    if "parts" in made:
        return b"".join(text.encode() * repeat for text, repeat in made["parts"])
    if "parts_hex" in made:
        return b"".join(bytes.fromhex(text) * repeat for text, repeat in made["parts_hex"])
    return b"".join((VECTORS / path).read_bytes() * repeat for path, repeat in made["parts_file"])


def refusal_of(case: dict[str, Any], kind: str | None) -> KeyRefused | None:
    try:
        keymaterial.read(content(case), now=NOW, kind=kind)
    except KeyRefused as refusal:
        return refusal
    return None


def named(*verdicts: str) -> list[Any]:
    return [pytest.param(case, id=case["id"]) for case in CASES if case["expected"] in verdicts]


@pytest.mark.parametrize("case", named("accept"))
@pytest.mark.parametrize("guessed", [False, True])
def test_a_good_key_is_accepted(case: dict[str, Any], guessed: bool) -> None:
    assert refusal_of(case, None if guessed else KINDS[case["kind"]]) is None


@pytest.mark.parametrize("case", named("reject"))
def test_a_bad_key_is_refused_for_the_right_reason(case: dict[str, Any]) -> None:
    refusal = refusal_of(case, KINDS[case["kind"]])
    assert refusal is not None
    assert refusal.code in SAME_REASON.get(case["reason"], {case["reason"]})
    assert prose_in(refusal.facts) == []
    assert refusal_of(case, None) is not None


@pytest.mark.parametrize("case", named("either"))
def test_a_key_at_the_edge_of_the_policy_gets_a_clear_verdict(case: dict[str, Any]) -> None:
    refusal = refusal_of(case, KINDS[case["kind"]])
    assert refusal is None or len(str(explain_key(refusal))) > 40


@pytest.mark.parametrize("case", named("accept", "reject", "either"))
@pytest.mark.timing
def test_a_verdict_is_quick(case: dict[str, Any]) -> None:
    assert seconds_taken(lambda: fresh_refusal_of(case)) < (0.05 if case["id"] not in LONG_RSA_KEYS else 5)


def fresh_refusal_of(case: dict[str, Any]) -> KeyRefused | None:
    rsa.is_prime.cache_clear()
    return refusal_of(case, KINDS[case["kind"]])


@pytest.mark.parametrize("case", [case for case in CASES if "private" in case["reason"]], ids=lambda case: case["id"])
def test_nothing_of_a_private_key_is_echoed(case: dict[str, Any]) -> None:
    data = content(case).decode()
    secrets = [word for word in data.replace('"', "\n").split() if len(word) > 20]
    refusal = refusal_of(case, "jwk")
    assert refusal is not None
    assert refusal.compromised
    told = f"{refusal} {refusal!r} {vars(refusal)} {explain_key(refusal)}"
    assert not [secret for secret in secrets if secret in told]


def test_the_manifest_is_complete() -> None:
    assert len(CASES) == 204
