"""Reading uploaded public keys and certificates: bytes and `now` in, frozen facts or one exception out. No Django."""

from clients.keymaterial.certificate import CertificateFacts
from clients.keymaterial.errors import KeyRefused
from clients.keymaterial.jwk import PublicKey, accepted_names, check_kid, kid_spellings
from clients.keymaterial.key import algorithm_names, rsa_bits, thumbprint
from clients.keymaterial.proof import is_signed_by
from clients.keymaterial.published import Published, Skipped, read_published
from clients.keymaterial.reader import read

__all__ = [
    "CertificateFacts",
    "KeyRefused",
    "PublicKey",
    "Published",
    "Skipped",
    "accepted_names",
    "algorithm_names",
    "check_kid",
    "is_signed_by",
    "kid_spellings",
    "read",
    "read_published",
    "rsa_bits",
    "thumbprint",
]
