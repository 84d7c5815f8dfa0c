"""Checks for weak RSA keys (PROTOCOL K-26; NIST SP 800-89 section 5.3.3, CA/B Forum BR 6.1.6)."""

import math
from functools import lru_cache

from clients.keymaterial.errors import KeyRefused

MIN_BITS, MAX_BITS = 2048, 8192
_FERMAT_ROUNDS = 100
_SQUARES_MODULO_16 = frozenset({0, 1, 4, 9})


def _primes_below(limit: int) -> list[int]:
    is_prime = bytearray([0, 0]) + bytearray([1]) * (limit - 2)
    for number in range(2, math.isqrt(limit) + 1):
        if is_prime[number]:
            is_prime[number * number :: number] = bytes(len(range(number * number, limit, number)))
    return [number for number in range(limit) if is_prime[number]]


_SMALL_PRIMES = _primes_below(1 << 16)
_PRODUCT_OF_SMALL_PRIMES = math.prod(_SMALL_PRIMES)
# For each of the first 38 odd primes p, the residues that a power of 65537 can have modulo p.
_POWERS_OF_65537 = {p: frozenset(pow(65537, i, p) for i in range(p)) for p in _SMALL_PRIMES[1:39]}


def check_size(n: int, e: int) -> None:
    """Refuse a modulus or public exponent outside the limits. Cheap at any size; raises KeyRefused."""
    bits = n.bit_length()
    if bits < MIN_BITS:
        raise KeyRefused("rsa_too_small", bits=bits)
    if bits > MAX_BITS:
        raise KeyRefused("rsa_too_large")
    # OpenSSL verifies nothing with a longer exponent, so such a key could be stored but not used.
    exponent_limit = 256 if bits <= 3072 else 64
    if e < 65537 or e % 2 == 0 or e.bit_length() > exponent_limit:
        raise KeyRefused("rsa_bad_exponent", bits=e.bit_length())


def check_strength(n: int) -> None:
    """Refuse a modulus (within MAX_BITS) that is factored with little work. Raises KeyRefused."""
    if math.gcd(n, _PRODUCT_OF_SMALL_PRIMES) != 1:
        raise KeyRefused("weak_rsa", factor=next(prime for prime in _SMALL_PRIMES if n % prime == 0))
    if has_roca_fingerprint(n):
        raise KeyRefused("roca")
    if has_close_primes(n):
        raise KeyRefused("close_primes")
    if is_prime(n):
        raise KeyRefused("prime_modulus")


def has_roca_fingerprint(n: int) -> bool:
    """Return whether n comes from the broken generator of CVE-2017-15361.

    Its primes are k*M + (65537^a mod M) with M the product of the first primes (126 of them for 2048 bits), so modulo
    each of these n is a power of 65537, as a sound modulus practically never is (Nemec, Sys, Svenda, Klinec, Matyas:
    The Return of Coppersmith's Attack, CCS 2017).
    """
    return all(n % p in powers for p, powers in _POWERS_OF_65537.items())


def has_close_primes(n: int) -> bool:
    """Return whether Fermat's method factors odd n within 100 rounds: n = a^2 - b^2, with a just above its root."""
    a = math.isqrt(n - 1) + 1
    for candidate in range(a, a + _FERMAT_ROUNDS):
        square = candidate * candidate - n
        # The last bits rule out three of four numbers, which saves the slow root.
        if square % 16 in _SQUARES_MODULO_16 and math.isqrt(square) ** 2 == square:
            return True
    return False


@lru_cache(maxsize=32)  # uploads are read twice: when shown and when added
def is_prime(n: int) -> bool:
    """Return whether odd n passes Fermat's test to base 2: all primes do, products of two random primes almost never.

    The private key of a prime modulus is computed at once. Takes 20 ms for 2048 bits, 1 s for 8192. Squares step by
    step and not by one `pow`, which would block every other thread of the process for as long.
    """
    power = 1
    for bit in f"{n - 1:b}":
        power = (power * power << (bit == "1")) % n
    return power == 1
