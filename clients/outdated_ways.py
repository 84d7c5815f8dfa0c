"""Outdated ways to use the authorization server, which still work, and the way that replaces each."""

from __future__ import annotations

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class OutdatedWay(models.TextChoices):
    AUDIENCE = "audience", _("Another audience than the issuer")
    SHA1_KID = "sha1", _("SHA-1 of a certificate as kid")
    EDDSA = "eddsa", _("EdDSA as the name of the algorithm")
    RSA_2048 = "rsa2048", _("RS256 with a key of less than 3072 bits")
    SECRET = "secret", _("Client secret")
    TOKEN_IN_QUERY = "query", _("Token in the address")
    LONG_LIFETIME = "lifetime", _("Assertion that is valid for more than 10 minutes")

    @property
    def todo(self) -> Promise:
        """Return how software is changed to the way that replaces this one."""
        return _TODO[self]


_TODO = {
    OutdatedWay.AUDIENCE: _(
        "Set aud in the assertion to the issuer, as one string: not to the address of the token endpoint, and not to a"
        " list."
    ),
    OutdatedWay.SHA1_KID: _(
        "Set kid in the header of the assertion to the thumbprint of the key (RFC 7638), or to the SHA-256 of the"
        " certificate. Both work today, and the key stays the same."
    ),
    OutdatedWay.EDDSA: _("Set alg in the header of the assertion to Ed25519 (RFC 9864). The key stays the same."),
    OutdatedWay.RSA_2048: _(
        "Make a new key pair (P-256, Ed25519, or RSA of 3072 bits or more) and add its public key. Both keys work side"
        " by side. Set the new one in your software, then retire the old one."
    ),
    OutdatedWay.SECRET: _(
        "Add a public key, and let your software sign an assertion (private_key_jwt) instead of sending the secret."
        " Both work side by side. Retire the secret when nothing uses it any more."
    ),
    OutdatedWay.TOKEN_IN_QUERY: _(
        "Send the token to verify in the Authorization header: log files keep addresses. If the API that you call does"
        " this, ask its operators."
    ),
    OutdatedWay.LONG_LIFETIME: _(
        "Set exp in the assertion to at most 10 minutes after iat, and sign a new assertion for each request."
    ),
}
