"""The strictest of several bounds holds (PROTOCOL C-39)."""

from __future__ import annotations

import pytest

from clients.policy.bounds import NO_BOUNDS, NUMBERS, SWITCHES, Bound, Bounds, merge, steps


def test_nothing_bounds_nothing() -> None:
    assert merge([]) == NO_BOUNDS
    assert steps([]) == ()


@pytest.mark.parametrize(
    ("given", "merged"),
    [
        ([("secrets_off", True)], Bounds(secrets_off=True)),
        ([("secret_max_age", 365), ("secret_max_age", 90), ("secret_max_age", 730)], Bounds(secret_max_age=90)),
        ([("key_max_age", 90), ("secret_max_age", 30)], Bounds(key_max_age=90, secret_max_age=30)),
        ([("rsa_bits", 3072), ("rsa_bits", 2048)], Bounds(rsa_bits=3072)),
        ([("assertion_lifetime", 600), ("assertion_lifetime", 60)], Bounds(assertion_lifetime=60)),
        ([("algorithms", ["ES256", "PS256"]), ("algorithms", ["PS256", "RS256"])],
         Bounds(algorithms=frozenset({"PS256"}))),
        ([("of_a_later_version", 5)], NO_BOUNDS),
    ],
)  # fmt: skip
def test_the_strictest_holds_in_any_order(given, merged) -> None:
    assert merge(given) == merge(reversed(given)) == merged


def test_every_bound_is_a_switch_a_number_or_a_list_and_has_a_place_in_the_merged_ones() -> None:
    assert set(Bound) == SWITCHES | set(NUMBERS) | {Bound.ALGORITHMS}
    for bound in Bound:
        value = True if bound in SWITCHES else ["ES256"] if bound == Bound.ALGORITHMS else NUMBERS[bound][0]
        assert merge([(bound.value, value)]) != NO_BOUNDS


def test_bounds_begin_one_after_the_other() -> None:
    (last, both), (first, one) = steps([("rsa_bits", 3072, 200.0), ("secrets_off", True, 100.0)])
    assert (last, both) == (200.0, Bounds(secrets_off=True, rsa_bits=3072))
    assert (first, one) == (100.0, Bounds(secrets_off=True))


def test_the_old_name_of_ed25519_is_refused_alone() -> None:
    bounds = merge([("eddsa_off", True)])
    assert (bounds.allows("EdDSA"), bounds.allows("Ed25519")) == (False, True)
