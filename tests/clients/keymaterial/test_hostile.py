"""PROTOCOL K-26 to K-29: any bytes are accepted or refused by KeyRefused, within 50 ms for 64 KiB."""

import base64
import contextlib
import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clients import keymaterial
from clients.keymaterial import KeyRefused
from portal.explanations.keys import explain_key
from tests.clients.keymaterial.support.making import (
    CA,
    NOW,
    certificate,
    certificate_for,
    chain,
    der,
    ec_jwk,
    ed_jwk,
    ed_key,
    key_usage,
    pem,
    rsa_jwk,
    rsa_key,
)
from tests.clients.keymaterial.support.x5c import x5c
from tests.clients.keymaterial.test_strength import of_bits
from tests.support.clock import seconds_taken

SIZE = 64 * 1024
BUDGET = 0.05  # CPU seconds

relaxed = settings(deadline=None, max_examples=300, suppress_health_check=list(HealthCheck))


def verdict(data: bytes, kind: str | None = None) -> None:
    """The whole contract: keys, or a refusal that can be shown."""
    keys: tuple[keymaterial.PublicKey, ...] = ()
    shown = ""
    try:
        keys = keymaterial.read(data, now=NOW, kind=kind)
    except KeyRefused as refusal:
        shown = f"{refusal} {explain_key(refusal)}"
    assert shown.isprintable()
    assert bool(keys) != bool(shown)
    for key in keys:
        assert json.loads(json.dumps(key.jwk)) == key.jwk
        assert key.thumbprint in keymaterial.accepted_names(key.jwk)


SAMPLES = [
    json.dumps(ec_jwk(kid="a", use="sig")).encode(),
    json.dumps(rsa_jwk(alg="RS256", key_ops=["verify"])).encode(),
    json.dumps({"keys": [ed_jwk(), ec_jwk(x5c=x5c(der(certificate())))]}).encode(),
    pem(certificate(rsa_key("a"), extensions=[(CA, True), (key_usage("digital_signature"), False)])),
    pem(*chain()),
    der(certificate(ed_key("a"))),
    der(certificate(extensions=[(CA, True), (key_usage("digital_signature"), True)])),
    base64.b64encode(der(certificate())),
]
KINDS = st.sampled_from([None, "jwk", "certificate"])


@given(data=st.binary(max_size=2048), kind=KINDS)
@relaxed
def test_any_bytes_get_a_verdict(data: bytes, kind: str | None) -> None:
    verdict(data, kind)


@given(text=st.text(max_size=500), kind=KINDS)
@relaxed
def test_any_text_gets_a_verdict(text: str, kind: str | None) -> None:
    verdict(text.encode("utf-8", "surrogatepass"), kind)


@given(
    sample=st.sampled_from(SAMPLES),
    edits=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 3), st.binary(min_size=1, max_size=4)), max_size=6),
    kind=KINDS,
)
@relaxed
def test_a_valid_key_with_some_bytes_changed_gets_a_verdict(
    sample: bytes, edits: list[tuple[int, int, bytes]], kind: str | None
) -> None:
    data = sample
    for place, removed, added in edits:
        at = place % (len(data) + 1)
        data = data[:at] + added + data[at + removed :]
    verdict(data, kind)


NAMES = ["kty", "crv", "x", "y", "n", "e", "use", "key_ops", "alg", "kid", "x5c", "x5t", "x5t#S256", "keys", "ext"]
MEMBERS = st.sampled_from([*NAMES, "\ud800", "\u202e"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(["RSA", "EC", "OKP", "P-256", "P-521", "Ed25519", "sig", "verify", "AQAB", "A" * 43, "_" * 342]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(MEMBERS, inner, max_size=6),
    max_leaves=12,
)


@given(base=st.sampled_from([{}, ec_jwk(), rsa_jwk(), ed_jwk()]), members=st.dictionaries(MEMBERS, VALUES, max_size=6))
@relaxed
def test_any_json_object_gets_a_verdict(base: dict[str, object], members: dict[str, object]) -> None:
    verdict(json.dumps(base | members).encode())


@given(position=st.integers(0, 2000), value=st.integers(0, 255), which=st.sampled_from([3, 5, 6]))
@relaxed
def test_a_certificate_with_one_byte_changed_gets_a_verdict(position: int, value: int, which: int) -> None:
    data = SAMPLES[which] if which != 3 else base64.b64decode(b"".join(SAMPLES[3].splitlines()[1:-1]))
    at = position % len(data)
    verdict(data[:at] + bytes([value]) + data[at + 1 :], "certificate")


# --- Time -------------------------------------------------------------------------------------------------------------


def filled(start: bytes, repeated: bytes, end: bytes = b"", size: int = SIZE) -> bytes:
    return start + repeated * ((size - len(start) - len(end)) // len(repeated)) + end


JSON_SIZE = 16 * 1024


HOSTILE: dict[str, Callable[[], bytes]] = {
    "brackets": lambda: filled(b"", b"["),
    "brackets within the JSON limit": lambda: filled(b"", b"[", size=JSON_SIZE),
    "nested objects": lambda: filled(b"", b'{"a":', size=JSON_SIZE),
    "quotes": lambda: filled(b"{", b'"', size=JSON_SIZE),
    "escaped quotes": lambda: filled(b'{"', b'\\"', size=JSON_SIZE),
    "escapes": lambda: filled(b'{"', b"\\ud800", b'": 1}', size=JSON_SIZE),
    "digits": lambda: filled(b'{"a": ', b"9", b"}", size=JSON_SIZE),
    "digits with exponent": lambda: filled(b'{"a": 1e', b"9", b"}", size=JSON_SIZE),
    "members": lambda: b"{" + b",".join(b'"%d":1' % n for n in range(1700)) + b"}",
    "members and a duplicate": lambda: b"{" + b",".join(b'"%d":1' % n for n in [*range(1700), 1699]) + b"}",
    "white space": lambda: filled(b"", b" "),
    "white space before a colon": lambda: filled(b'kty "d"', b" "),
    "member names": lambda: filled(b"kty", b" d "),
    "a long n": lambda: filled(b'{"kty":"RSA","e":"AQAB","n":"', b"_", b'"}', size=JSON_SIZE),
    "a long e": lambda: filled(b'{"kty":"RSA","n":"AQAB","e":"', b"_", b'"}', size=JSON_SIZE),
    "a long kid": lambda: filled(
        json.dumps(ec_jwk())[:-1].encode() + b',"kid":"', b"\xe2\x80\xae", b'"}', size=JSON_SIZE
    ),
    "PEM starts": lambda: filled(b"", b"-----BEGIN CERTIFICATE-----"),
    "PEM starts and letters": lambda: filled(b"-----BEGIN CERTIFICATE-----", b"A"),
    "PEM starts, letters and almost an end": lambda: filled(b"-----BEGIN CERTIFICATE-----", b"A", b"-----END CERT"),
    "empty PEM blocks": lambda: filled(b"", b"-----BEGIN CERTIFICATE----------END CERTIFICATE-----"),
    "dashes": lambda: filled(b"", b"-"),
    "base64": lambda: filled(b"MI", b"A"),
    "DER of zeros": lambda: filled(b"\x30\x82\xff\xfb", b"\0"),
    "DER of small elements": lambda: filled(b"\x30\x82\xff\xfc", b"\x05\0"),
    "DER nested": lambda: filled(b"", b"\x30\x82\xff\xff"),
    "DER of indefinite length": lambda: filled(b"", b"\x30\x80"),
    "DER with a huge length": lambda: filled(b"\x30\x84\xff\xff\xff\xff", b"\xff"),
    "an RSA modulus of 400,000 bits": lambda: der(
        certificate_for(rsa.RSAPublicNumbers(65537, (1 << 400_000) - 1).public_key())
    ),
    "ten RSA 8192 in a set": lambda: json.dumps(
        {"keys": [rsa_jwk(of_bits(8192), kid=str(n)) for n in range(10)]}
    ).encode(),
    "ten certificates": lambda: pem(*chain(10)),
    "the same certificate a hundred times": lambda: pem(certificate()) * 100,
    "ten certificates in x5c": lambda: json.dumps(ec_jwk(x5c=x5c(*(der(link) for link in chain(10))))).encode(),
}


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.timing
def test_a_verdict_takes_less_than_50_ms(make: Callable[[], bytes]) -> None:
    data = make()
    assert len(data) <= SIZE
    for kind in (None, "jwk", "certificate"):
        assert seconds_taken(lambda kind=kind: verdict(data, kind), good_enough=BUDGET) < BUDGET  # type: ignore[misc]


def test_secrets_are_found_in_larger_files_without_delay() -> None:
    data = b"A" * (2 * 1024 * 1024)

    def read() -> None:
        with contextlib.suppress(KeyRefused):
            keymaterial.read(data, now=NOW)

    assert seconds_taken(read) < BUDGET
