"""PROTOCOL R-31: a refusal is data, and one place turns it into words, in every language."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.template import Context, engines
from django.utils import translation
from django.utils.translation import trans_real

from portal.explanations import explain
from portal.explanations.slips import OF_A_SECRET, OF_A_TOKEN
from portal.explanations.words import UNKNOWN, WORDS, of_rule
from tests.portal.support.brackets import in_brackets, words_outside
from tests.support.prose import prose_in
from tokens.protocol.errors import Rule

NOW = 1_795_500_000  # 24 November 2026, 07:00:00 in Brussels
ISSUER, TOKEN_URL = "https://keydesk.example", "https://keydesk.example/oauth/v2/token"
MOMENT: dict[str, Any] = {"our_clock": NOW, "max_seconds": 60}

# Facts of the authorization server for each rule: every kind of fact that it has.
FACTS: dict[Rule, list[dict[str, Any]]] = {
    Rule.NO_ENDPOINT: [{"sent": "/oauth/v2/tokens"}],
    Rule.METHOD: [{"sent": "GET", "expected": "POST"}],
    Rule.CONTENT_TYPE: [
        {"sent": sent, "expected": "application/x-www-form-urlencoded"}
        for sent in ("application/json", "multipart/form-data", "text/plain", "")
    ],
    Rule.BODY_TOO_LARGE: [{"max_bytes": 65536}],
    Rule.BODY_ENCODING: [{"problem": problem} for problem in ("body", "escape", "nul")],
    Rule.TOO_MANY_FIELDS: [{"sent": 65, "expected": 64}],
    Rule.REPEATED_PARAMETER: [{"parameter": "scope"}],
    Rule.MISSING_PARAMETER: [{"parameter": "grant_type"}],
    Rule.GRANT_TYPE: [{"sent": "password", "expected": "client_credentials"}],
    Rule.RATE_LIMIT: [{"limit": 600}],
    Rule.NO_CREDENTIALS: [{"expected": ["client_secret_basic", "private_key_jwt"]}],
    Rule.SEVERAL_METHODS: [{"sent": ["Authorization", "client_secret"]}],
    Rule.AUTHORIZATION_HEADER: [{"problem": "scheme", "scheme": "Digest"}, {"problem": "credentials"}],
    Rule.CLIENT_ID_DIFFERS: [{"sent": "k4m9xw2hz7ra", "expected": "fphqa925tqs4"}],
    Rule.UNKNOWN_CLIENT: [
        {"sent": sent}
        for sent in ("k4m9xw2hz7ra", "YOUR_CLIENT_ID", "$ID", "", "null", "k4m9 ", "a@b.example",
                     "7f2f7f5e-3c55-4a0e-9a05-3f1f0b4f3c11", "something")
    ],
    Rule.CLIENT_NOT_ACTIVE: [{"state": "suspended"}],
    Rule.SECRET_WRONG: [{"slip": slip, "length": 49, "expected_length": 53} for slip in [*OF_A_SECRET, ""]],
    Rule.CREDENTIAL_ENDED: [
        {"ended_at": NOW - 90_000, "our_clock": NOW},
        {"ended_at": NOW - 90_000, "our_clock": NOW, "key": "k1"},
        {"ended_at": NOW - 90_000, "our_clock": NOW, "subject": "repo:a/b", "issuer": ISSUER},
    ],
    Rule.POLICY: [
        {"bound": "sha1_kid_off", "sent": "mkwX4FvSiD9hDseULapW8TB76U0", "expected": ["f3Jm0KqB8vYw2RzXn5TcLd7aHsUe"]},
        {"bound": "query_off"},
    ],
    Rule.SECRET_ENDED: [{"ended_at": NOW - 90_000, "our_clock": NOW}],
    Rule.ASSERTION_TYPE: [{"sent": "jwt-bearer", "expected": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}],
    Rule.ASSERTION_TOO_LARGE: [{"bytes": 20_000, "max_bytes": 16_384}],
    Rule.ASSERTION_FORM: [{"problem": "parts", "parts": 1}, {"problem": "encoding"}],
    Rule.ASSERTION_ENCRYPTED: [{"parts": 5}],
    Rule.ASSERTION_DUPLICATE_MEMBER: [{"member": "aud"}],
    Rule.ALGORITHM: [{"sent": "HS256", "expected": ["ES256"]}, {"sent": "none", "expected": ["RS256", "PS256"]}],
    Rule.ALGORITHM_NOT_OF_KEY: [{"sent": "RS256", "expected": ["ES256"], "key": "k1"}],
    Rule.CRITICAL_HEADER: [{"sent": ["b64"]}],
    Rule.TYP: [{"sent": "at+jwt"}],
    Rule.KID: [
        {"sent": "k2", "expected": ["k1"], "near": "k1"}, {"sent": "YOUR_KEY_ID", "expected": ["k1"]},
        {"sent": "k2", "expected": ["k1"], "issuer": ISSUER},
    ],
    Rule.KID_AMBIGUOUS: [{"sent": None, "expected": ["k1", "k2"]}],
    Rule.KEY_NOT_USABLE: [{"key": "k1", "state": state} for state in ("staged", "retired", "expired")],
    Rule.SIGNATURE: [{"key": "k1", "algorithm": "ES256"}, {"key": "k1", "algorithm": "ES256", "issuer": ISSUER}],
    Rule.ISSUER: [{"sent": None, "expected": "k4m9xw2hz7ra"}],
    Rule.SUBJECT: [{"sent": "x", "expected": "k4m9xw2hz7ra"}],
    Rule.AUDIENCE: [
        {"sent": sent, "expected": [ISSUER, TOKEN_URL]}
        for sent in (f"{ISSUER}/", "http://keydesk.example", [ISSUER, "x"], "https://keydesk.exampl", None, "x")
    ],
    Rule.EXPIRY: [{"sent": None}, {"sent": "soon"}],
    Rule.EXPIRED: [
        {**MOMENT, "sent": NOW - 240, "issued_at": NOW - 300, "jti_digest": "ab"},
        {**MOMENT, "sent": NOW - 86_395, "issued_at": NOW - 86_455, "jti_digest": "ab"},
        {**MOMENT, "sent": NOW - 86_395, "issued_at": None, "jti_digest": "ab", "repeated": 4},
        {**MOMENT, "sent": NOW - 240, "issued_at": NOW - 300, "issuer": ISSUER},
    ],
    Rule.EXPIRES_TOO_LATE: [
        {**MOMENT, "sent": NOW + 90_000}, {**MOMENT, "sent": NOW * 1000},
        {**MOMENT, "sent": NOW + 90_000, "issued_at": NOW, "issuer": ISSUER},
    ],
    Rule.ISSUED_AT: [{**MOMENT, "sent": NOW + 192}, {**MOMENT, "sent": NOW * 1000}, {"sent": "x"}],
    Rule.NOT_BEFORE: [{**MOMENT, "sent": NOW + 7300}],
    Rule.JTI: [{"sent": None, "max_length": 255}],
    Rule.REPLAYED: [{"jti_digest": "ab"}],
    Rule.BEFORE_RESTORE: [{"restored_at": NOW}],
    Rule.FEDERATED_ISSUER: [
        {"sent": f"{ISSUER}/", "expected": [ISSUER], "near": ISSUER},
        {"sent": ISSUER, "expected": [ISSUER], "state": "disabled"},
        {"sent": ISSUER, "expected": []},
    ],
    Rule.FEDERATED_SUBJECT: [{"sent": "repo:a/B", "expected": ["repo:a/b"], "near": "repo:a/b"}],
    Rule.FEDERATED_CLAIM: [
        {"claim": "repository_id", "sent": 1, "expected": "1"},
        {"claim": "/kubernetes.io/serviceaccount/uid", "sent": None, "expected": "b"},
    ],
    Rule.FEDERATED_AUDIENCE: [{"sent": [ISSUER, "x"], "expected": ISSUER}, {"sent": None, "expected": ISSUER}],
    Rule.FEDERATED_KEYS_UNAVAILABLE: [{"issuer": ISSUER, "our_clock": NOW}],
    Rule.SCOPE_SYNTAX: [{"sent": '["address.read"]'}, {"sent": "a\\b"}],
    Rule.SCOPE_UNKNOWN: [
        {"sent": ["adress.read"], "expected": ["address.read"], "near": "address.read"},
        {"sent": ["address.read,address.write"], "expected": ["address.read"], "separator": ","},
    ],
    Rule.SCOPE_RETIRED: [
        {"scope": "address.read", "ended_at": NOW - 86_400, "our_clock": NOW},
        {"scope": "address.read", "ended_at": NOW - 60, "our_clock": NOW, "instead": "address.read.v2"},
    ],
    Rule.SCOPE_NOT_GRANTED: [{"sent": ["tax.read"], "expected": ["address.read"]}],
    Rule.SCOPE_NEEDS_KEY: [{"sent": ["keydesk.clients.read"], "expected": ["address.read"]}],
    Rule.SCOPE_NO_DEFAULT: [{"expected": ["address.read"]}],
    Rule.TOKEN_NOT_ACTIVE: [{}] + [{"slip": slip, "length": 9, "expected_length": 53} for slip in OF_A_TOKEN],
    Rule.INSUFFICIENT_SCOPE: [{"expected": "example.read"}],
    Rule.LONG_LIFETIME: [{"seconds": 3600, "max_seconds": 600}],
    Rule.CLOCK_AHEAD: [{"seconds": 15}],
}  # fmt: skip
CASES = [(rule, facts) for rule in Rule for facts in FACTS.get(rule, [{}])]


def page_of(rule: str, facts: dict[str, Any]) -> str:
    """The component that every page shows, with its title: as text."""
    explained = explain(rule, facts)
    html = (
        engines["django"]
        .engine.get_template("components/explanation.html")
        .render(Context({"explained": explained, "id": "x"}))
    )
    return f"{explained.title} {html}"


@pytest.mark.parametrize(("rule", "facts"), CASES)
def test_every_word_of_an_explanation_comes_from_the_catalogue(rule, facts):
    with in_brackets():
        assert words_outside(page_of(rule, facts)) == []


def test_a_word_that_no_catalogue_has_would_be_found():
    with in_brackets():
        assert words_outside("⟦You sent⟧ three parts") == ["three", "parts"]


@pytest.mark.parametrize("language", ["nl", "fr", "de"])
def test_every_message_of_an_explanation_is_translated(language):
    """Fails only for messages that wait for their translation."""
    with in_brackets() as brackets:
        for rule, facts in CASES:
            page_of(rule, facts)
    catalogue = trans_real.translation(language)._catalog
    missing = {one for one, many in brackets.asked if not catalogue.get(one) and not (many and catalogue.get((one, 0)))}
    assert missing == set()


# --- Words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", Rule)
def test_every_rule_has_words_and_a_fix(rule):
    assert of_rule(rule) is not UNKNOWN
    assert str(WORDS[rule].title)
    assert str(WORDS[rule].fix).endswith((".", "on."))
    assert rule in FACTS or explain(rule, {}).rows == []


@pytest.mark.parametrize(("rule", "facts"), CASES)
def test_no_fact_is_a_sentence(rule, facts):
    """Facts are names, numbers and lists: three words in a row are a sentence."""
    assert prose_in(facts) == []


def test_a_rule_that_a_later_version_dropped_is_told_all_the_same():
    assert explain("no_longer_there", {"sent": "x"}).title == "The request was refused"


def test_the_parameter_that_is_missing_is_named_in_the_title():
    explained = explain("missing_parameter", {"parameter": "grant_type"})
    assert explained.title == "The parameter grant_type is missing"
    assert explained.fix.startswith("Send grant_type in the body")


# --- Moments ----------------------------------------------------------------------------------------------------------


def test_a_moment_has_its_day_and_zone_and_the_difference_in_words():
    with translation.override("en"):
        (row,) = explain("expired", {**MOMENT, "sent": NOW - 86_395}).rows
    assert row.sent.text == "23 November 2026, 07:00:05 CET"
    assert row.sent.note == "1795413605 · 23 hours 59 minutes before it arrived"
    assert row.expected.text == "later than 24 November 2026, 07:00:00 CET"
    assert row.expected.note == "our clock when it arrived"


def test_a_clock_that_is_ahead_is_measured():
    explained = explain("issued_at", {**MOMENT, "sent": NOW + 192})
    assert explained.title == "Your server's clock is 3 minutes 12 seconds ahead"
    assert (explained.offset, explained.allowed) == (192, 60)
    assert explained.rows[0].expected.text == "at most 1 minute after 24 November 2026, 07:00:00 CET"


@pytest.mark.parametrize("rule", ["expires_too_late", "issued_at", "not_before"])
def test_milliseconds_for_seconds_are_named(rule):
    explained = explain(rule, {**MOMENT, "sent": (NOW + 60) * 1000})
    assert explained.slip.claim == "Most likely: milliseconds instead of seconds."
    assert "24 November 2026, 07:01:00" in explained.slip.detail
    assert explained.rows[0].sent.text == "1795500060000"


def test_an_assertion_that_was_kept_is_told_from_a_clock_that_is_behind():
    behind = explain("expired", {**MOMENT, "sent": NOW - 240, "issued_at": NOW - 300})
    assert behind.slip.claim.startswith("Either your server's clock is behind")
    assert behind.slip.detail == "It says that it was made 5 minutes before it arrived."
    assert "clock is behind" in behind.fix
    kept = explain("expired", {**MOMENT, "sent": NOW - 86_395, "issued_at": NOW - 86_455})
    assert kept.slip.claim == "Most likely: your software makes the assertion once and keeps it."


# --- Values -----------------------------------------------------------------------------------------------------------


def test_the_recommended_audience_stands_first_alone_and_can_be_copied():
    explained = explain("audience", {"sent": f"{ISSUER}/", "expected": [ISSUER, TOKEN_URL]})
    assert (explained.rows[0].expected.text, explained.rows[0].others) == (ISSUER, [TOKEN_URL])
    assert explained.copy == ISSUER
    page = page_of("audience", {"sent": f"{ISSUER}/", "expected": [ISSUER, TOKEN_URL]})
    target = re.search(r'data-copy="([^"]+)"', page)[1]
    assert f'id="{target}"' in page


def test_the_one_kid_that_is_expected_can_be_copied_and_of_several_none():
    assert explain("kid", {"sent": "YOUR_KEY_ID", "expected": ["k1"]}).copy == "k1"
    assert explain("kid", {"sent": "YOUR_KEY_ID", "expected": ["k1", "k2"]}).copy == ""


def test_values_are_compared_with_values():
    """A mark goes neither across the number and the moment that it means, nor into words."""
    page = page_of("expired", {**MOMENT, "sent": NOW - 86_395})
    assert "<mark>" not in page
    page = page_of("kid", {"sent": "prod-2024", "expected": ["prod-2025"]})
    assert "prod-202<mark>4</mark>" in page
    assert "prod-202<mark>5</mark>" in page


def test_what_was_left_out_is_called_nothing():
    assert explain("jti", {"sent": None, "max_length": 255}).rows[0].sent.text == "nothing"


def test_an_algorithm_that_the_key_can_do_is_recommended():
    explained = explain("algorithm", {"sent": "HS256", "expected": ["ES256"]})
    assert explained.fix == "Sign with ES256: your client's key can do no other."
    assert "HS256 signs with a secret" in explained.slip.claim


# --- Entries of an older version --------------------------------------------------------------------------------------

OLDER = [
    ("expired", {"sent": "1795413605", "our_clock": "1795500000", "seconds": "86395"}, "23 November 2026"),
    ("issued_at", {"sent": "1795500192", "our_clock": "1795500000", "expected": "at most 60 s ahead of our clock"},
     "3 minutes 12 seconds ahead"),
    ("audience", {"sent": "x", "expected": f"{ISSUER} or {TOKEN_URL}"}, ISSUER),
    ("jti", {"sent": "null", "expected": "a string of 1 to 255 characters, new every time"}, "nothing"),
    ("assertion_form", {"sent": "1 parts", "expected": "three parts: header.claims.signature"}, "1 part"),
    ("assertion_too_large", {"sent": "20000 bytes", "expected": "at most 16384 bytes"}, "20,000 bytes"),
    ("rate_limit", {"expected": "60 requests a minute"}, "at most 60 requests a minute"),
    ("algorithm", {"sent": "HS256", "expected": "RS256 ES256"}, "RS256 ES256"),
    ("scope_unknown", {"sent": "a b", "expected": "address.read"}, "address.read"),
    ("authorization_header", {"sent": "the scheme Digest", "expected": "Basic"}, "the scheme Digest"),
    ("secret_wrong", {}, "The client secret is wrong"),
    ("secret_ended", {"seconds": "91"}, "its transition period is over"),
    ("several_methods", {"expected": "one method"}, "Two authentication methods"),
    ("insufficient_scope", {"needs": "example.read"}, "example.read"),
    ("long_lifetime", {"sent": "2980 s", "expected": "at most 600 s"}, "valid for 49 minutes 40 seconds"),
    ("clock_ahead", {"sent": "15 s ahead", "expected": "the time that NTP tells"}, "15 seconds ahead"),
    ("missing_parameter", {"parameter": "scope"}, "The parameter scope is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "facts", "told"), OLDER)
def test_an_entry_of_an_older_version_is_still_explained(rule, facts, told):
    assert told in page_of(rule, facts)
    with in_brackets():
        assert words_outside(page_of(rule, facts)) == []


@pytest.mark.parametrize("sent", ["1e999", "nan", "-5", 99999999999999, True, [], ["a", 1], "", None, 1.5])
@pytest.mark.parametrize("rule", Rule)
def test_an_absurd_value_does_no_harm(rule, sent):
    facts = {"sent": sent, "expected": sent, "our_clock": NOW, "length": sent, "seconds": sent, "max_seconds": sent}
    assert page_of(rule, facts)
