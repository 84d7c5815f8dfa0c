"""Checks that elliptic curve keys are points of their curve (PROTOCOL K-26; RFC 7518 6.2.1, RFC 8037 section 2)."""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from clients.keymaterial.errors import KeyRefused


@dataclass(frozen=True)
class Curve:
    """A NIST curve (FIPS 186-5 through SP 800-186 section 3.2.1): `field` is its prime, `size` a coordinate's bytes."""

    group: ec.EllipticCurve
    field: int
    size: int
    algorithm: str


CURVES = {
    "P-256": Curve(ec.SECP256R1(), 2**256 - 2**224 + 2**192 + 2**96 - 1, 32, "ES256"),
    "P-384": Curve(ec.SECP384R1(), 2**384 - 2**128 - 2**96 + 2**32 - 1, 48, "ES384"),
    "P-521": Curve(ec.SECP521R1(), 2**521 - 1, 66, "ES512"),
}

# Edwards25519 (RFC 8032 section 5.1): the field, the constant d, and a y of order 8, the smaller of the two.
_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
_Y8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER_Y = frozenset({0, 1, _P - 1, _Y8, _P - _Y8})


def check_point(crv: str, x: int, y: int) -> None:
    """Refuse coordinates that are no point of the NIST curve `crv`. Raises KeyRefused."""
    curve = CURVES[crv]
    # The library reduces coordinates modulo the field, which would give one key several spellings and thumbprints.
    if x >= curve.field or y >= curve.field:
        raise KeyRefused("point_not_on_curve", crv=crv)
    try:
        ec.EllipticCurvePublicNumbers(x, y, curve.group).public_key()
    except ValueError:
        raise KeyRefused("point_not_on_curve", crv=crv) from None


def check_ed25519(encoded: bytes) -> None:
    """Refuse 32 bytes that RFC 8032 section 5.1.3 does not decode, or that decode to a point of small order.

    For a point of small order one signature fits any message. Such a y is refused in non-canonical spellings too.
    """
    y = int.from_bytes(encoded, "little") % 2**255
    if y % _P in _SMALL_ORDER_Y:
        raise KeyRefused("small_order_point")
    x_squared = (y * y - 1) * pow(_D * y * y + 1, -1, _P)
    if y >= _P or pow(x_squared, (_P - 1) // 2, _P) != 1:
        raise KeyRefused("point_not_on_curve", crv="Ed25519")
