"""Parts of a certificate that the library parses but does not expose.

A parser of our own because cryptography's x509 has no encoded algorithm and no parameters of a key, and its
hazmat.asn1 (50.0) decodes into declared classes, not into a list of elements of any kind. Either would replace it.
"""

from typing import NamedTuple


class CertificateFields(NamedTuple):
    """`outer_algorithm`, `inner_algorithm` and `key_parameters` (of the key's algorithm) are encoded elements.

    `key` is the content of the key's bit string: for an elliptic curve the encoded point.
    """

    serial: int
    outer_algorithm: bytes
    inner_algorithm: bytes
    key_parameters: bytes
    key: bytes


def certificate_fields(certificate: bytes) -> CertificateFields:
    """Split an encoded certificate (RFC 5280 section 4.1) without checks. Raises IndexError or ValueError."""
    tbs, outer_algorithm, _signature = _elements(certificate)
    fields = _elements(tbs)
    if fields[0][0] == 0xA0:  # the explicitly tagged version, absent in version 1
        del fields[0]
    serial, inner_algorithm, _issuer, _validity, _subject, key_info, *_rest = fields
    key_algorithm, key_bits = _elements(key_info)
    _oid, *parameters = _elements(key_algorithm)
    start, end = _content(serial, 0)
    key_start, key_end = _content(key_bits, 0)
    return CertificateFields(
        serial=int.from_bytes(serial[start:end], signed=True),
        outer_algorithm=outer_algorithm,
        inner_algorithm=inner_algorithm,
        key_parameters=b"".join(parameters),
        key=key_bits[key_start + 1 : key_end],  # the first byte counts the unused bits of the last one
    )


def _elements(constructed: bytes) -> list[bytes]:
    """Return the encoded elements inside a constructed element."""
    position, end = _content(constructed, 0)
    found = []
    while position < end:
        _start, following = _content(constructed, position)
        found.append(constructed[position:following])
        position = following
    return found


def _content(data: bytes, position: int) -> tuple[int, int]:
    """Return where the content of the element at `position` starts and ends (X.690 section 8.1.3)."""
    length, start = data[position + 1], position + 2
    if length >= 0x80:
        start += length - 0x80
        length = int.from_bytes(data[position + 2 : start])
    return start, start + length
