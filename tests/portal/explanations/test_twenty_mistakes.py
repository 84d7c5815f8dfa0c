"""The mistakes that newcomers make, each made for real: where it is shown, the cause and the fix that are named.

HTTP requests go to the authorization server, uploads to the page for keys. Read are the page at the address in
`error_uri`, or the answer to the upload (PROTOCOL A-16, K-29, R-30, R-31).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from joserfc.jwk import OctKey

from clients import keymaterial
from clients.acts.credentials import keys
from foundation import secret_format
from portal.ui.dates import day
from tests.portal.support.newcomer import Newcomer
from tests.support import factories
from tests.support.keys import certificate_pem, jwk_of, new_ec, pem_of
from tests.tokens.support.wire import Clock, Signer, ec_key, process, public_jwk

pytestmark = pytest.mark.django_db(transaction=True)

DAY_S = 24 * 3600


class Shown(NamedTuple):
    """Words that the page must say: cause and fix, and the evidence beside them."""

    cause: str
    fix: str
    evidence: tuple[str, ...] = ()


class Mistake(NamedTuple):
    number: int  # of the twenty
    make: Callable[[Newcomer], str]
    shown: Shown


def now() -> int:
    return int(time.time())


def yesterday(moved: Newcomer) -> str:
    """An assertion that expired a day ago: without its date it reads as if it were valid."""
    text = moved.by_key(iat=now() - DAY_S - 60, exp=now() - DAY_S)
    assert day(datetime.now(UTC) - timedelta(days=1)) in text
    return text


def other_environment(newcomer: Newcomer) -> str:
    return newcomer.by_secret(newcomer.secret, client_id="k4m9xw2hz7ra")


def other_environment_by_key(newcomer: Newcomer) -> str:
    newcomer.signer.client_id = "k4m9xw2hz7ra"
    return newcomer.by_key()


def hs256(newcomer: Newcomer) -> str:
    signer = newcomer.signer
    shared = Signer(signer.client_id, OctKey.import_key(newcomer.secret), signer.clock, "HS256", signer.kid)
    return newcomer.sends(shared.assertion())


def wrong_private_key(newcomer: Newcomer) -> str:
    newcomer.signer.key = ec_key()
    return newcomer.by_key()


def near_kid(newcomer: Newcomer) -> str:
    return newcomer.by_key(header={"kid": str(newcomer.signer.kid)[:-1]})


def without_default(newcomer: Newcomer) -> str:
    newcomer.client.client_scopes.update(is_default=False)
    return newcomer.asks_for("")


def p12(_newcomer: Newcomer) -> bytes:
    private = new_ec()
    certificate = x509.load_pem_x509_certificate(certificate_pem(private, now=datetime.now(UTC)))
    protection = serialization.BestAvailableEncryption(b"x")
    return pkcs12.serialize_key_and_certificates(b"key", private, certificate, None, protection)


def signing_request(_newcomer: Newcomer) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "newcomer.example")])
    made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(new_ec(), hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)


def rsa_1024(_newcomer: Newcomer) -> bytes:
    weak = rsa.generate_private_key(65537, 1024)
    return certificate_pem(weak, now=datetime.now(UTC))


def expired_certificate(_newcomer: Newcomer) -> bytes:
    return certificate_pem(now=datetime.now(UTC) - timedelta(days=40), days=30)


def uploaded(make: Callable[[Newcomer], bytes]) -> Callable[[Newcomer], str]:
    return lambda newcomer: newcomer.uploads(make(newcomer))


def of_secret(changed: Callable[[str], str]) -> Callable[[Newcomer], str]:
    return lambda newcomer: newcomer.by_secret(changed(newcomer.secret))


PRIVATE_KEY = Shown(
    "You uploaded a private key. Treat it as leaked.",
    "Make a new key pair on the server that will use it. Upload only the certificate or public key.",
)
OTHER_ENVIRONMENT = Shown(
    "Most likely: an id of another environment.",
    "Compare the client id with the one on the client's page of that environment.",
    ("k4m9xw2hz7ra", "This environment is Acceptance, http://testserver"),
)
MISTAKES = {
    "wrong aud": Mistake(1, lambda one: one.by_key(aud="https://auth.example"), Shown(
        "The aud of your client assertion is not one of our addresses", "Set aud to the expected value, alone",
        ("https://auth.example", "http://testserver"),
    )),
    "clock ahead": Mistake(2, lambda one: one.by_key(iat=now() + 300, exp=now() + 500), Shown(
        "Your server's clock is ", "Turn on time synchronisation (NTP)", ("minutes", "ahead", "timedatectl"),
    )),
    "clock behind": Mistake(2, lambda one: one.by_key(iat=now() - 400, exp=now() - 100), Shown(
        "Either your server's clock is behind, or the assertion waited before it was sent.", "use NTP",
        ("before it arrived",),
    )),
    "wrong kid": Mistake(3, lambda one: one.by_key(header={"kid": "old-key"}), Shown(
        "We do not know the key id that you used", "Set kid to one that we know for this client.", ("old-key",),
    )),
    "kid of a sample": Mistake(3, lambda one: one.by_key(header={"kid": "YOUR_KEY_ID"}), Shown(
        "a sample was copied and its placeholder left in", "Set kid to one that we know for this client.",
    )),
    "kid with a slip": Mistake(3, near_kid, Shown("Did you mean ", "Set kid to one that we know for this client.")),
    "expired assertion": Mistake(4, yesterday, Shown(
        "The assertion had expired 24 hours before it arrived",
        "Make a new assertion inside the function that asks for a token",
        ("Most likely: your software makes the assertion once and keeps it.",),
    )),
    "milliseconds": Mistake(4, lambda one: one.by_key(exp=(now() + 60) * 1000), Shown(
        "Most likely: milliseconds instead of seconds.", "Divide by 1000: JWT times are seconds since 1970",
    )),
    "reused jti": Mistake(5, lambda one: one.sends(one.signer.assertion(), times=2), Shown(
        "The same assertion was used twice", "Make a new one, with a new jti, for each request",
    )),
    "wrong secret": Mistake(6, of_secret(lambda _right: secret_format.generate()), Shown(
        "It is a whole Keydesk secret, but not one of this client.",
        "Compare its last four characters with those on the client's page.",
    )),
    "mistyped secret": Mistake(6, of_secret(lambda right: right[:-1] + ("B" if right[-1] == "A" else "A")), Shown(
        "The client secret has a typing error", "Reveal the secret on the client's page and copy it whole",
    )),
    "secret of an unset variable": Mistake(6, of_secret(lambda _right: "null"), Shown(
        "the variable that should hold the secret is not set", "Set the variable where your software runs",
    )),
    "secret with a line end": Mistake(7, of_secret(lambda right: right + "\n"), Shown(
        "A line end came along with your client secret", "Strip line ends and blanks when you read it", ("tr -d",),
    )),
    "secret with a blank": Mistake(7, of_secret(lambda right: right + " "), Shown(
        "A blank came along with your client secret", "Remove the blank before or after it",
    )),
    "client id of another environment": Mistake(8, other_environment, OTHER_ENVIRONMENT),
    "the same by an assertion": Mistake(8, other_environment_by_key, OTHER_ENVIRONMENT),
    "no scope": Mistake(9, without_default, Shown(
        "No scope was asked for, and the client has no default", "Name the scopes in the request.",
        ("address.read address.write",),
    )),
    "scope with a slip": Mistake(10, lambda one: one.asks_for("adress.read"), Shown(
        "A requested scope does not exist", "Write it as address.read.", ("Did you mean address.read?",),
    )),
    "scopes with a comma": Mistake(10, lambda one: one.asks_for("address.read,address.write"), Shown(
        "Most likely: several scopes with , between them.", "Put one blank between two scopes",
        ("Did you mean address.read address.write?",),
    )),
    "HS256": Mistake(11, hs256, Shown(
        "HS256 signs with a secret that both sides know; a client here signs with a private key.",
        "Sign with ES256: your client's key can do no other.",
    )),
    "wrong private key": Mistake(12, wrong_private_key, Shown(
        "The signature does not fit the key", "Often an old private key is still on the server.", ("Key id: ",),
    )),
    "PKCS#12": Mistake(13, uploaded(p12), Shown(
        "This is a PKCS#12 file (.p12 or .pfx), which also holds your private key", PRIVATE_KEY.fix,
    )),
    "private key": Mistake(14, uploaded(lambda _one: pem_of(new_ec())), PRIVATE_KEY),
    "private key after its certificate": Mistake(
        14, uploaded(lambda _one: certificate_pem(now=datetime.now(UTC)) + pem_of(new_ec())), PRIVATE_KEY
    ),
    "private JWK": Mistake(
        14, uploaded(lambda _one: json.dumps(ec_key().as_dict(private=True)).encode()), PRIVATE_KEY
    ),
    "signing request": Mistake(15, uploaded(signing_request), Shown(
        "This is a certificate signing request", "upload the certificate that was made from it", ("openssl x509 -req",),
    )),
    "expired certificate": Mistake(16, uploaded(expired_certificate), Shown(
        "The certificate expired on ", "it must be valid now", ("openssl req -x509",),
    )),
    "RSA 1024": Mistake(17, uploaded(rsa_1024), Shown(
        "The RSA key has 1024 bits", "it must have 2048 to 8192", ("rsa:3072",),
    )),
    "alg of another key": Mistake(18, uploaded(lambda _one: json.dumps(jwk_of(new_ec(), alg="ES384")).encode()), Shown(
        "The alg is ES384", "for EC P-256 it must be ES256, or left out", ("jq ",),
    )),
    "JSON body": Mistake(19, lambda one: one.sends_json(), Shown(
        "The parameters were not sent as a form", "JSON is not accepted.", ("Your HTTP library sends JSON",),
    )),
    "throttled": Mistake(20, lambda one: one.asks_too_often(), Shown(
        "Too many requests in a minute", "Keep a token until it expires instead of asking for one with each call",
        ("45 times", "20 of 45", "at most 1 request a minute"),
    )),
}  # fmt: skip


@pytest.fixture
def newcomer(settings: Any) -> Iterator[Newcomer]:
    settings.ENVIRONMENT_NAME = "Acceptance"
    read, write = factories.scope("address.read"), factories.scope("address.write")
    client, secret = factories.client(scopes=(read, write), defaults=(read,), now=datetime.now(UTC))
    private = ec_key()
    (public,) = keymaterial.read(json.dumps(public_jwk(private)).encode(), now=datetime.now(UTC))
    key = keys.add(client=client, key=public, by=factories.SYSTEM, now=datetime.now(UTC))
    clock = Clock(time.time())
    with process(clock, client_limit=10_000) as wire:
        yield Newcomer(wire, client, secret, Signer(client.client_id, private, clock, kid=key.kid))


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_shown_with_its_cause_and_its_fix(newcomer: Newcomer, name: str) -> None:
    _number, make, shown = MISTAKES[name]
    text = make(newcomer)
    for part in (shown.cause, shown.fix, *shown.evidence):
        assert part in text


def test_the_twenty_mistakes_are_all_there() -> None:
    assert {mistake.number for mistake in MISTAKES.values()} == set(range(1, 21))
