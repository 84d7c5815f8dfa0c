"""The parts of a certificate that the library parses but does not show."""

from typing import NamedTuple


class CertificateFields(NamedTuple):
    """`outer_algorithm`, `inner_algorithm` and `key_parameters` (of the key's algorithm) are encoded elements."""

    serial: int
    outer_algorithm: bytes
    inner_algorithm: bytes
    key_parameters: bytes


def certificate_fields(certificate: bytes) -> CertificateFields:
    """Fields of an encoded certificate (RFC 5280 section 4.1). Checks nothing; raises IndexError or ValueError."""
    tbs, outer_algorithm, _signature = _elements(certificate)
    fields = _elements(tbs)
    if fields[0][0] == 0xA0:  # the explicitly tagged version, which version 1 does not have
        del fields[0]
    serial, inner_algorithm, _issuer, _validity, _subject, key_info, *_rest = fields
    key_algorithm = _elements(key_info)[0]
    _oid, *parameters = _elements(key_algorithm)
    start, end = _content(serial, 0)
    return CertificateFields(
        int.from_bytes(serial[start:end], signed=True), outer_algorithm, inner_algorithm, b"".join(parameters)
    )


def _elements(constructed: bytes) -> list[bytes]:
    """The encoded elements inside one constructed element."""
    position, end = _content(constructed, 0)
    found = []
    while position < end:
        _start, following = _content(constructed, position)
        found.append(constructed[position:following])
        position = following
    return found


def _content(data: bytes, position: int) -> tuple[int, int]:
    """Where the content of the element at `position` starts and ends (X.690 section 8.1.3)."""
    length, start = data[position + 1], position + 2
    if length >= 0x80:
        start += length - 0x80
        length = int.from_bytes(data[position + 2 : start])
    return start, start + length
