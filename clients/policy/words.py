"""The words for bounds of policies, and how software is changed to keep to each."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clients.outdated_ways import OutdatedWay
from clients.policy.bounds import Bound


class Words(NamedTuple):
    """`label` may end in a value: "Smallest RSA key, in bits"."""

    label: Promise
    todo: Promise


WORDS: dict[Bound, Words] = {
    Bound.SECRETS_OFF: Words(_("No client secrets"), OutdatedWay.SECRET.todo),
    Bound.SECRET_MAX_AGE: Words(
        _("Age of client secrets, at most, in days"),
        _("Add a key, which is safer, or make a new secret before the old one ends, and set it in your software."),
    ),
    Bound.KEY_MAX_AGE: Words(
        _("Age of keys without a certificate, at most, in days"),
        _("Add a new key before the old one ends, and set it in your software. Both work side by side."),
    ),
    Bound.RSA_BITS: Words(_("Smallest RSA key, in bits"), OutdatedWay.RSA_2048.todo),
    Bound.PROOF: Words(
        _("New keys only with a proof of possession"),
        _("When you add a key, add the proof that you have its private key. Keys that work go on working."),
    ),
    Bound.ALGORITHMS: Words(
        _("Algorithms that may sign assertions"),
        _("Sign assertions with one of these algorithms; add a key of a fitting kind first, if there is none."),
    ),
    Bound.AUDIENCE: Words(_("Only the issuer as audience"), OutdatedWay.AUDIENCE.todo),
    Bound.SHA1_KID_OFF: Words(_("No SHA-1 of a certificate as kid"), OutdatedWay.SHA1_KID.todo),
    Bound.EDDSA_OFF: Words(_("No EdDSA as the name of the algorithm"), OutdatedWay.EDDSA.todo),
    Bound.ASSERTION_LIFETIME: Words(
        _("Lifetime of assertions, at most, in seconds"), OutdatedWay.LONG_LIFETIME.todo
    ),
    Bound.QUERY_OFF: Words(_("No token in the address"), OutdatedWay.TOKEN_IN_QUERY.todo),
}  # fmt: skip

# The bound, and its value, that refuses each outdated way.
BOUND_OF: dict[OutdatedWay, tuple[Bound, Any]] = {
    OutdatedWay.AUDIENCE: (Bound.AUDIENCE, True),
    OutdatedWay.SHA1_KID: (Bound.SHA1_KID_OFF, True),
    OutdatedWay.EDDSA: (Bound.EDDSA_OFF, True),
    OutdatedWay.RSA_2048: (Bound.RSA_BITS, 3072),
    OutdatedWay.SECRET: (Bound.SECRETS_OFF, True),
    OutdatedWay.TOKEN_IN_QUERY: (Bound.QUERY_OFF, True),
    OutdatedWay.LONG_LIFETIME: (Bound.ASSERTION_LIFETIME, 600),
}


def told(bound: str, value: Any) -> str:
    """Return a bound with its value, in one line."""
    if bound not in Bound:
        return bound
    label = str(WORDS[Bound(bound)].label)
    if value is True or value is None:
        return label
    given = ", ".join(value) if isinstance(value, list) else value
    return gettext("%(name)s: %(value)s") % {"name": label, "value": given}
