"""The words for each code that refuses a weak key or a certificate."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.explanations.upload_words import (
    LEAF_ONLY,
    NEW_CERTIFICATE,
    NEW_EC_PAIR,
    NEW_PAIR,
    SIGNING_CERTIFICATE,
    KeyWords,
)

OF_WEAK_KEYS: dict[str, KeyWords] = {
    "rsa_too_small": KeyWords(_("The RSA key has %(bits)s bits"), _("it must have 2048 to 8192"), NEW_PAIR),
    "rsa_too_large": KeyWords(_("The RSA key has more than 8192 bits"), _("it must have 2048 to 8192"), NEW_PAIR),
    "rsa_bad_exponent": KeyWords(
        _("The public exponent of the RSA key has %(bits)s bits, or is even"),
        _("it must be odd, 65537 or more, and below 2^256 (below 2^64 for a key of over 3072 bits)"),
        NEW_PAIR,
    ),
    "weak_rsa": KeyWords(
        _("The RSA modulus is divisible by %(factor)s"),
        _("it must be the product of two large primes"),
        NEW_PAIR,
    ),
    "prime_modulus": KeyWords(
        _("The RSA modulus is itself a prime, so anyone can compute the private key"),
        _("it must be the product of two large primes"),
        NEW_PAIR,
    ),
    "close_primes": KeyWords(
        _("The two primes of the RSA key are so close that anyone can find them"),
        _("the key must come from a sound generator"),
        NEW_PAIR,
    ),
    "roca": KeyWords(
        _("The RSA key comes from a chip with a broken generator (ROCA, CVE-2017-15361)"),
        _("make the key in software or on another chip"),
        NEW_PAIR,
    ),
    "point_not_on_curve": KeyWords(
        _("The public key is no point of the curve %(crv)s"),
        _("its coordinates must be a point of that curve"),
        NEW_EC_PAIR,
    ),
    "small_order_point": KeyWords(
        _("The Ed25519 key is one of the points for which anyone can forge signatures"),
        _("the key must come from a sound generator"),
        NEW_EC_PAIR,
    ),
}

# RFC 5280
OF_CERTIFICATES: dict[str, KeyWords] = {
    "malformed_certificate": KeyWords(
        _("The certificate is damaged or cut off"),
        _("it must be whole, as PEM or DER"),
        "openssl x509 -in client.cer -out certificate.pem",
    ),
    "too_many_certificates": KeyWords(
        _("The upload holds %(count)s certificates"), _("at most %(limit)s are read"), LEAF_ONLY
    ),
    "expired": KeyWords(_("The certificate expired on %(not_after)s"), _("it must be valid now"), NEW_CERTIFICATE),
    "not_yet_valid": KeyWords(
        _("The certificate is valid only from %(not_before)s"),
        _("it must be valid now"),
        NEW_CERTIFICATE,
    ),
    "weak_signature": KeyWords(
        _("The certificate is signed with %(algorithm)s"),
        _("it must be signed with SHA-2 or EdDSA"),
        NEW_CERTIFICATE + " -sha256",
    ),
    "bad_signature": KeyWords(
        _("The certificate claims to be self-signed, but its signature is not valid"),
        _("it must verify with its own key"),
        NEW_CERTIFICATE,
    ),
    "broken_chain": KeyWords(
        _("The certificate was not signed by the one that follows it"),
        _("the chain must start with your own certificate and go on with its issuer"),
        LEAF_ONLY,
    ),
    "issuer_not_ca": KeyWords(
        _("The certificate may not issue others, but the one before it names it as issuer"),
        _("the chain must go on with certificates of authorities (CA:TRUE)"),
        LEAF_ONLY,
    ),
    "bad_serial": KeyWords(
        _("The serial number of the certificate is zero, negative or longer than 20 bytes"),
        _("it must be a positive number"),
        NEW_CERTIFICATE,
    ),
    "unsupported_key": KeyWords(
        _("The key type or curve of the certificate (%(algorithm)s) is not supported"),
        _("it must be RSA, EC (P-256, P-384, P-521) or Ed25519"),
        NEW_PAIR,
    ),
    "explicit_curve_params": KeyWords(
        _("The certificate uses explicit curve parameters"),
        _("it must name P-256, P-384 or P-521"),
        NEW_EC_PAIR,
    ),
    "compressed_point": KeyWords(
        _("The certificate has its elliptic curve point in a short form (compressed or hybrid)"),
        _("the point must be uncompressed"),
        NEW_EC_PAIR,
    ),
    "unknown_critical_extension": KeyWords(
        _("The certificate has the critical extension %(oid)s, which is unknown here"),
        _("all critical extensions must be known ones"),
        NEW_CERTIFICATE,
    ),
    "duplicate_extension": KeyWords(
        _("The certificate has an extension twice"),
        _("each may appear only once"),
        NEW_CERTIFICATE,
    ),
    "malformed_extension": KeyWords(
        _("The certificate has an extension that cannot be read"),
        _("all its extensions must be well-formed"),
        NEW_CERTIFICATE,
    ),
    "wrong_key_usage": KeyWords(
        _("The keyUsage of the certificate does not allow digital signatures"),
        _("it must contain digitalSignature, or be absent"),
        SIGNING_CERTIFICATE,
    ),
}
