"""PROTOCOL K-26: RSA keys that can be factored, and points that are none or prove nothing."""

import math
import secrets
import threading
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from clients.keymaterial.encoding import base64url_encode
from tests.clients.keymaterial.support.making import accepted, ec_jwk, ec_key, ed_jwk, ed_key, refused, rsa_jwk, rsa_key

SMALL_PRIMES = [n for n in range(2, 1000) if all(n % d for d in range(2, math.isqrt(n) + 1))]


def without_small_factors(number: int) -> bool:
    return all(number % divisor for divisor in range(3, 1 << 16, 2))


def of_bits(bits: int) -> int:
    """An odd composite number of exactly so many bits, without small factors and with far-apart parts."""
    while True:
        number = secrets.randbits(bits) | 1 | 1 << (bits - 1)
        if without_small_factors(number) and pow(3, number - 1, number) != 1:
            return number


@pytest.mark.parametrize("bits", [512, 1024, 2040, 2047])
def test_small_rsa_keys_are_refused(bits: int) -> None:
    refusal = refused(rsa_jwk(of_bits(bits)))
    assert (refusal.code, refusal.facts) == ("rsa_too_small", {"bits": bits})


@pytest.mark.parametrize("bits", [2048, 3072, 4096, 8192])
def test_rsa_keys_from_2048_to_8192_bits_are_accepted(bits: int) -> None:
    assert accepted(rsa_jwk(of_bits(bits))).description == f"RSA {bits}"


@pytest.mark.parametrize("bits", [8193, 16384, 90_000])
def test_large_rsa_keys_are_refused(bits: int) -> None:
    assert refused(rsa_jwk((1 << (bits - 1)) + 1)).code == "rsa_too_large"


@pytest.mark.parametrize("e", [1, 3, 17, 65535, 65536, 65538, 2**256 + 1])
def test_bad_public_exponents_are_refused(e: int) -> None:
    assert refused(rsa_jwk(e=e)).code == "rsa_bad_exponent"


@pytest.mark.parametrize("e", [65537, 65539, 2**64 + 13, 2**256 - 1])
def test_odd_public_exponents_from_65537_are_accepted(e: int) -> None:
    assert accepted(rsa_jwk(e=e))


def test_an_exponent_too_long_for_openssl_is_refused_for_a_long_modulus() -> None:
    n = of_bits(4096)
    assert accepted(rsa_jwk(n, e=2**64 - 1))
    assert refused(rsa_jwk(n, e=2**64 + 13)).code == "rsa_bad_exponent"


@pytest.mark.parametrize("factor", [2, 3, 751, 65521])
def test_a_modulus_with_a_small_factor_is_refused(factor: int) -> None:
    refusal = refused(rsa_jwk(of_bits(2047) * factor))
    assert (refusal.code, refusal.facts) == ("weak_rsa", {"factor": factor})


@pytest.mark.parametrize("distance", [0, 2**20, 2**500])
def test_a_modulus_of_two_close_factors_is_refused(distance: int) -> None:
    p = rsa_key("a").private_numbers().p
    q = p + distance
    while q != p and not without_small_factors(q):
        q += 2
    assert refused(rsa_jwk(p * q)).code == "close_primes"


def test_a_prime_modulus_is_refused() -> None:
    """Its private exponent is the inverse of e modulo n - 1."""
    prime = 2**2048 + 981  # the first one of 2049 bits
    assert refused(rsa_jwk(prime)).code == "prime_modulus"
    assert accepted(rsa_jwk(of_bits(2049)))


@pytest.mark.timing
def test_other_threads_go_on_while_a_long_modulus_is_tested() -> None:
    jwk = rsa_jwk(of_bits(8192))
    upload = threading.Thread(target=accepted, args=[jwk])
    upload.start()
    turns = 0
    while upload.is_alive():
        time.sleep(0.001)
        turns += 1
    assert turns > 20


def test_a_modulus_with_the_roca_fingerprint_is_refused() -> None:
    # As the broken chips made them: k*M + 65537^a mod M, with M the product of the first 126 primes (CVE-2017-15361).
    m = math.prod(SMALL_PRIMES[:126])

    def factor() -> int:
        while True:
            number = (secrets.randbits(1024 - m.bit_length()) | 1 << (1023 - m.bit_length())) * m
            number += pow(65537, secrets.randbelow(1 << 64), m)
            if number.bit_length() == 1024 and without_small_factors(number):
                return number

    n = factor() * factor()
    while n.bit_length() < 2048:
        n = factor() * factor()
    assert refused(rsa_jwk(n)).code == "roca"


@pytest.mark.parametrize(("crv", "curve"), [("P-384", ec.SECP384R1), ("P-521", ec.SECP521R1)])
def test_the_larger_nist_curves_are_accepted(crv: str, curve: type[ec.EllipticCurve]) -> None:
    numbers = ec_key(crv, curve).public_key().public_numbers()
    size = (curve().key_size + 7) // 8
    x, y = (base64url_encode(number.to_bytes(size)) for number in (numbers.x, numbers.y))
    key = accepted({"kty": "EC", "crv": crv, "x": x, "y": y})
    assert (key.description, key.algorithms) == (f"EC {crv}", ({"P-384": "ES384", "P-521": "ES512"}[crv],))


def test_coordinates_beyond_the_field_are_refused_as_a_second_spelling() -> None:
    # Only P-521 leaves room for it: 66 bytes hold 528 bits.
    numbers = ec_key("P-521", ec.SECP521R1).public_key().public_numbers()
    x, y = (base64url_encode(number.to_bytes(66)) for number in (numbers.x + 2**521 - 1, numbers.y))
    assert refused({"kty": "EC", "crv": "P-521", "x": x, "y": y}).code == "point_not_on_curve"


def test_the_point_at_infinity_is_no_key() -> None:
    zero = base64url_encode(bytes(32))
    assert refused(ec_jwk(x=zero, y=zero)).code == "point_not_on_curve"


# --- Ed25519, with the group law written out as in RFC 8032 section 5.1.4 ---------------------------------------------

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
ORDER = 2**252 + 27742317777372353535851937790883648493

type Point = tuple[int, int]


def add(a: Point, b: Point) -> Point:
    (x1, y1), (x2, y2) = a, b
    product = D * x1 * x2 * y1 * y2
    return (x1 * y2 + x2 * y1) * pow(1 + product, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - product, -1, P) % P


def times(factor: int, point: Point) -> Point:
    result = (0, 1)
    while factor:
        if factor & 1:
            result = add(result, point)
        point, factor = add(point, point), factor >> 1
    return result


def decoded(y: int) -> Point | None:
    x_squared = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(x_squared, (P + 3) // 8, P)
    if x * x % P != x_squared:
        x = x * pow(2, (P - 1) // 4, P) % P
    return (x, y) if x * x % P == x_squared else None


def points_of_small_order() -> set[Point]:
    y = 2
    while True:
        point = decoded(y)
        if point:
            generator = times(ORDER, point)
            if times(4, generator) != (0, 1):
                return {times(factor, generator) for factor in range(8)}
        y += 1


def test_every_ed25519_point_of_small_order_is_refused_in_every_spelling() -> None:
    points = points_of_small_order()
    assert len(points) == 8
    for _x, y in points:
        for value in (y, y + P):
            for sign in (0, 1):
                if value < 2**255:
                    encoded = (value | sign << 255).to_bytes(32, "little")
                    assert refused(ed_jwk(encoded)).code == "small_order_point"


def test_an_ed25519_key_that_is_no_point_or_not_canonical_is_refused() -> None:
    no_point = next(y for y in range(2, 100) if decoded(y) is None)
    beyond = next(y + P for y in range(2, 19) if decoded(y))
    for value in (no_point, beyond):
        assert refused(ed_jwk(value.to_bytes(32, "little"))).code == "point_not_on_curve"


def test_ed25519_keys_that_were_made_soundly_are_accepted() -> None:
    for number in range(20):
        assert accepted(ed_jwk(ed_key(str(number)).public_key().public_bytes_raw()))
