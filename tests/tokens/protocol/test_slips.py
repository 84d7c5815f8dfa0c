"""PROTOCOL R-31: the likely slip behind a value that was refused, found where it is refused."""

from __future__ import annotations

import json
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation import secret_format
from tests.support.clock import seconds_taken
from tests.tokens.support.checking import client_key, key, refusal, signer, unsigned
from tests.tokens.support.wire import Wire, basic
from tokens.protocol import slips
from tokens.protocol.slips import is_one_edit, near, separator_in, word_for

GRANT = {"grant_type": "client_credentials"}

SENT = {
    "line_end": lambda secret: f"{secret}\n",
    "blank": lambda secret: f" {secret}",
    "quote": lambda secret: f'"{secret}"',
    "empty": lambda _secret: "",
    "unset": lambda _secret: "null",
    "variable": lambda _secret: "${KEYDESK_CLIENT_SECRET}",
    "placeholder": lambda _secret: "YOUR_CLIENT_SECRET",
    "cut": lambda secret: secret[:-3],
    "long": lambda secret: f"{secret}{secret[-3:]}",
    "mistyped": lambda secret: secret[:10] + ("a" if secret[10] != "a" else "b") + secret[11:],
    "other": lambda _secret: secret_format.generate(),
    "token": lambda _secret: "kdt_whatever",
    "assertion": lambda _secret: "eyJhbGciOiJub25lIn0.e30.",
    "": lambda _secret: "a-secret-of-another-system",
}


@pytest.mark.parametrize("slip", SENT)
def test_a_wrong_secret_is_named_by_what_went_wrong(wire: Wire, client, secret, slip):
    sent = SENT[slip](secret)
    entry = wire.cause(wire.token(basic(client.client_id, sent)))
    assert (entry.rule, entry.facts) == (
        "secret_wrong", {"slip": slip, "length": len(sent), "expected_length": len(secret)}
    )  # fmt: skip


@pytest.mark.parametrize(
    "sent",
    [
        "None",
        "undefined",
        "nil",
        "NaN",
        "[object Object]",
        "(null)",
        "$SECRET",
        "$(cat secret)",
        "%SECRET%",
        "{{ secret }}",
    ],
)
def test_words_for_nothing_and_names_of_variables_are_told_from_secrets(sent):
    assert word_for(sent) in ("unset", "variable")
    assert word_for(f'"{sent}"') == word_for(sent)


@pytest.mark.parametrize(
    "sent", ["YOUR_KEY_ID", "YOUR_SCOPE", "your-client-id", "<client_id>", "changeme", "CLIENT_SECRET"]
)
def test_placeholders_of_samples_are_known(sent):
    assert word_for(sent) == "placeholder"


def test_a_real_value_is_no_word():
    for value in (
        secret_format.generate(),
        "k4m9xw2hz7ra",
        "address.read",
        "https://keydesk.example",
        "NhBYxgmi2dMlgjGXcArAwWwtDcs",
        "100%",
    ):
        assert word_for(value) == ""


def test_the_client_id_as_the_secret_is_known(wire, client):
    entry = wire.cause(wire.token(basic(client.client_id, client.client_id)))
    assert entry.facts["slip"] == "client_id"


def test_nothing_of_a_wrong_secret_is_kept_but_its_length(wire, client, secret):
    for sent in (*(make(secret) for make in SENT.values()), "hunter2-hunter2"):
        if len(sent) > 6:
            assert sent not in str(wire.cause(wire.token(basic(client.client_id, sent))).facts)


# --- Names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "slip"),
    [
        ("adress.read", {"near": "address.read"}),
        ("address.raed", {"near": "address.read"}),
        ("Address.Read", {"near": "address.read"}),
        ("address.read,address.write", {"separator": ","}),
        ("address.read%20address.write", {"separator": "%20"}),
        ("tax.read", {}),
    ],
)
def test_a_scope_that_is_nearly_one_of_the_client_names_it(wire, client, authorization, sent, slip):
    entry = wire.cause(wire.token(authorization, sent))
    assert entry.rule == "scope_unknown"
    assert {name: entry.facts[name] for name in ("near", "separator") if name in entry.facts} == slip


def test_a_plus_between_scopes_is_known(wire, client, authorization):
    body = "grant_type=client_credentials&scope=address.read%2Baddress.write"
    entry = wire.cause(wire.post("token", body, authorization=authorization))
    assert entry.facts["separator"] == "+"


def test_a_kid_one_edit_away_names_the_right_one():
    ours = client_key(key("P-256"), kid="prod-2025")
    reason = refusal(signer(kid="prod-2024").assertion(), ours)
    assert reason is not None
    assert reason.facts == {"sent": "prod-2024", "expected": ["prod-2025"], "near": "prod-2025"}


def test_the_expected_algorithms_are_those_of_the_clients_own_keys():
    ours = client_key(key("P-256"))
    for algorithm in ("HS256", "none", "ES256K"):
        reason = refusal(unsigned(json.dumps({"alg": algorithm, "kid": "k1"}), "{}", b"x"), ours)
        assert reason is not None
        assert (reason.rule, reason.facts["expected"]) == ("algorithm", ["ES256"])


def test_two_keys_expect_the_algorithms_of_both_and_an_ended_key_none():
    keys = [
        client_key(key("P-256")),
        client_key(key("P-384", 2), kid="k2"),
        client_key(key("RSA"), kid="k3", retires_at=1.0),
    ]
    reason = refusal(unsigned('{"alg":"HS256"}', "{}", b"x"), *keys)
    assert reason is not None
    assert reason.facts["expected"] == ["ES256", "ES384"]


@given(st.text(max_size=12), st.text(min_size=1, max_size=1), st.integers(0, 12))
def test_one_edit_is_one_character_or_two_swapped(text, char, place):
    place = min(place, len(text))
    assert is_one_edit(text[:place] + char + text[place:], text)
    assert is_one_edit(text, text[:place] + char + text[place:])
    assert is_one_edit(text[:place] + char + text[place + 1 :], text)
    assert not is_one_edit(f"{text}yz", text)
    swapped = text[:place] + text[place : place + 2][::-1] + text[place + 2 :]
    assert is_one_edit(swapped, text)


def test_two_edits_are_not_near():
    assert near("adres.read", ["address.read"]) == {}
    assert near(1, ["address.read"]) == {}
    assert near("address.read", ["address.read"]) == {}


def test_the_longest_values_are_searched_for_slips_in_no_time():
    def fits(_text: str) -> bool:
        return False

    def search(text: str) -> None:
        slips.of_secret(text, client_id="k4m9xw2hz7ra", fits=fits)
        word_for(text)
        near(text, ["address.read"])
        separator_in(text, ["address.read"])

    for part in ("a", " ", "\n", '"', "$", "${", "%", "<", ",", "{{", "x", "kds_", "your_"):
        assert seconds_taken(partial(search, part * (65_536 // len(part)))) < 0.05, part
