"""PROTOCOL A-13: `exp`, `iat` and `nbf`, at their limits and as what they must not be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.tokens.support.checking import AT, check, client_key, key, policy, refusal, rule, signer
from tests.tokens.support.wire import JWT_BEARER
from tokens.models import JournalEntry, UsedAssertion
from tokens.protocol.assertion import AssertionPolicy
from tokens.protocol.errors import Rule

OURS = client_key(key("P-256"))
NOW = int(AT)
GRANT = {"grant_type": "client_credentials"}


def with_claim(name: str, value: Any) -> str:
    changed: dict[str, Any] = {name: value}
    return signer().assertion(**changed)


def with_raw(name: str, literal: str) -> str:
    """An assertion whose claim is exactly these characters in the JSON."""
    claims = signer().claims(**{name: None})
    return signer().assertion(payload=f'{json.dumps(claims)[:-1]}, "{name}": {literal}}}'.encode())


# --- exp --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        (-1_000_000_000, "expired"),
        (-1, "expired"),
        (-0.001, "expired"),
        (0, "expired"),
        (0.001, ""),
        (1, ""),
        (600, ""),
        (3600, ""),
        (3600.001, "expires_too_late"),
        (3601, "expires_too_late"),
        (10**9, "expires_too_late"),
    ],
)
def test_exp_lies_ahead_and_at_most_an_hour(ahead: float, expected: str) -> None:
    assert rule(signer().assertion(exp=NOW + ahead), OURS) == expected


def test_how_far_ahead_is_a_setting() -> None:
    short = AssertionPolicy(policy().issuer, policy().audiences, max_lifetime=120.0)
    assert rule(signer().assertion(exp=NOW + 120), OURS, under=short) == ""
    reason = refusal(signer().assertion(exp=NOW + 121), OURS, under=short)
    assert reason is not None
    assert reason.facts == {"sent": NOW + 121, "our_clock": NOW, "max_seconds": 120}


def test_exp_is_required() -> None:
    reason = refusal(signer().assertion(exp=None), OURS)
    assert reason is not None
    assert (reason.rule, reason.facts["sent"]) == (Rule.EXPIRY, None)


def test_the_contact_reads_by_how_much_an_assertion_was_late() -> None:
    reason = refusal(signer().assertion(exp=NOW - 90.5), OURS)
    assert reason is not None
    assert reason.facts == {**reason.facts, "sent": NOW - 90.5, "our_clock": NOW, "issued_at": NOW}


# --- iat and nbf ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_iat_and_nbf_may_be_absent_or_long_ago(claim: str) -> None:
    assert rule(with_claim(claim, None), OURS) == ""
    assert rule(with_claim(claim, NOW - 365 * 86_400), OURS) == ""
    assert rule(with_claim(claim, 0), OURS) == ""
    assert rule(with_claim(claim, -1), OURS) == ""


@pytest.mark.parametrize(("ahead", "accepted"), [(1, 1), (10, 1), (60, 1), (60.001, 0), (61, 0), (10**9, 0)])
@pytest.mark.parametrize(("claim", "reason"), [("iat", "issued_at"), ("nbf", "not_before")])
def test_iat_and_nbf_lie_at_most_a_minute_ahead(claim: str, reason: str, ahead: float, accepted: int) -> None:
    assert rule(with_claim(claim, NOW + ahead), OURS) == ("" if accepted else reason)


@pytest.mark.parametrize(
    ("claims", "remarks"),
    [
        ({}, []),
        ({"iat": NOW + 10, "nbf": NOW + 10, "exp": NOW + 300}, []),
        ({"iat": NOW + 10.5}, [Rule.CLOCK_AHEAD]),
        ({"nbf": NOW + 60}, [Rule.CLOCK_AHEAD]),
        ({"iat": None, "nbf": NOW + 11}, [Rule.CLOCK_AHEAD]),
        ({"exp": NOW + 600}, []),
        ({"exp": NOW + 600, "iat": None}, []),
        ({"exp": NOW + 601}, [Rule.LONG_LIFETIME]),
        ({"exp": NOW + 601, "iat": None}, [Rule.LONG_LIFETIME]),
        ({"exp": NOW + 300, "iat": NOW - 400}, [Rule.LONG_LIFETIME]),
        ({"exp": NOW + 3600, "iat": NOW + 30}, [Rule.LONG_LIFETIME, Rule.CLOCK_AHEAD]),
    ],
)
def test_a_time_that_is_accepted_with_a_remark(claims: dict[str, Any], remarks: list[Rule]) -> None:
    verified = check(signer().assertion(**claims), OURS)
    assert [remark for remark, _facts in verified.remarks] == remarks


# --- No numbers -------------------------------------------------------------------------------------------------------

NO_NUMBERS = [f'"{NOW + 300}"', '""', '"tomorrow"', "true", "false", "null", "[]", f"[{NOW + 300}]", "{}"]
TOO_LARGE = ["1e999", "-1e999", "1e15", "-1e15", "1" + "0" * 400, "-1" + "0" * 400, "9" * 4000]
NOT_JSON = [
    "NaN",
    "Infinity",
    "-Infinity",
    "nan",
    "inf",
    f"+{NOW + 300}",
    f"0{NOW + 300}",
    f"0x{NOW + 300:x}",
    f"{NOW}.",
]


@pytest.mark.parametrize("literal", [*NO_NUMBERS, *TOO_LARGE])
@pytest.mark.parametrize(("claim", "reason"), [("exp", "expiry"), ("iat", "issued_at"), ("nbf", "not_before")])
def test_a_time_that_is_no_finite_number_is_refused(claim: str, reason: str, literal: str) -> None:
    assert rule(with_raw(claim, literal), OURS) == reason


@pytest.mark.parametrize("literal", [*NOT_JSON, "1" * 5000])
@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
def test_a_number_that_json_does_not_have_is_refused(claim: str, literal: str) -> None:
    assert rule(with_raw(claim, literal), OURS) == "assertion_form"


@pytest.mark.parametrize("literal", [f"{NOW + 300}.75", f"{NOW + 300}e0", f"{(NOW + 300) / 10**9}E9", f"{NOW + 300}.0"])
def test_every_spelling_of_a_number_counts(literal: str) -> None:
    assert rule(with_raw("exp", literal), OURS) == ""


@pytest.mark.parametrize("literal", ["0", "-0", "0.0", "-5", "1e-300", "999999999999999", "1e14"])
def test_numbers_far_away_are_only_late_or_early(literal: str) -> None:
    assert rule(with_raw("exp", literal), OURS) == ("expired" if float(literal) < NOW else "expires_too_late")


# --- On the wire ------------------------------------------------------------------------------------------------------


def test_each_reason_is_in_the_journal_with_our_clock(wire, client, signer):
    for claims, cause in (
        ({"exp": NOW - 1}, "expired"),
        ({"exp": NOW + 3601}, "expires_too_late"),
        ({"exp": str(NOW + 300)}, "expiry"),
        ({"iat": NOW + 61}, "issued_at"),
        ({"nbf": NOW + 61}, "not_before"),
    ):
        answer = wire.post("token", signer.form(signer.assertion(**claims), **GRANT))
        assert (answer.status, answer.error) == (400, "invalid_client")
        entry = wire.cause(answer)
        assert (entry.client, entry.rule, entry.facts["sent"]) == (client, cause, next(iter(claims.values())))
        assert entry.facts.get("our_clock", NOW) == NOW


def test_an_assertion_ages_by_the_servers_clock(wire, signer, clock):
    assertions = [signer.assertion(exp=NOW + 30) for _ in range(2)]
    clock.pass_by(29)
    assert wire.post("token", signer.form(assertions[0], **GRANT)).status == 200
    clock.pass_by(1)
    assert wire.rule(wire.post("token", signer.form(assertions[1], **GRANT))) == "expired"


def test_the_longest_lifetime_is_a_setting_of_the_site(start, signer):
    wire = start(assertion_max_lifetime=60)
    assert wire.post("token", signer.form(signer.assertion(exp=NOW + 60), **GRANT)).status == 200
    assert wire.rule(wire.post("token", signer.form(signer.assertion(exp=NOW + 61), **GRANT))) == "expires_too_late"


def test_remarks_reach_the_contact_once_an_hour_and_the_token_is_issued(wire, client, signer, clock):
    def use() -> None:
        now = int(clock())
        answer = wire.post("token", signer.form(signer.assertion(iat=now + 20, exp=now + 3000), **GRANT))
        assert answer.status == 200

    def remarks() -> list[str]:
        wire.write_behind()
        return sorted(JournalEntry.objects.of(client).remarks().values_list("rule", flat=True))

    use()
    use()
    assert remarks() == ["clock_ahead", "long_lifetime"]
    entry = JournalEntry.objects.of(client).get(rule="long_lifetime")
    assert (entry.error, entry.endpoint, entry.facts["seconds"]) == ("", "token", 2980)
    assert not JournalEntry.objects.of(client).refusals().exists()
    clock.pass_by(3601)
    use()
    assert remarks() == ["clock_ahead", "clock_ahead", "long_lifetime", "long_lifetime"]


def test_a_fraction_of_a_second_is_kept_until_it_is_over(wire, signer):
    body = {"client_assertion_type": JWT_BEARER, "client_assertion": signer.assertion(exp=NOW + 30.5), **GRANT}
    assert wire.post("token", body).status == 200
    assert UsedAssertion.objects.get().expires_at.timestamp() == NOW + 31
