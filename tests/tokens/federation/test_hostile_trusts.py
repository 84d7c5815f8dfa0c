"""PROTOCOL F-32 and F-34: good tokens at the wrong client, trust or issuer, and pins that are not equal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clients.models import Issuer, Trust
from clients.pinned_claims import is_pinned
from tests.support import factories
from tests.support.factories import NOW
from tests.tokens.federation.conftest import AT, SUBJECT, refused
from tests.tokens.support.checking import key
from tests.tokens.support.issuers import (
    GITHUB,
    OURS,
    SERVICE_ACCOUNT,
    FixtureIssuer,
    entra,
    form,
    github,
    gitlab,
    kubernetes,
)

# --- Several issuers, trusts and clients ------------------------------------------------------------------------------


def test_the_key_of_another_issuer_with_the_right_iss(wire, client, platform, clock):
    """Both issuers name their key alike; the key of the one does not speak for the other."""
    other = gitlab(clock)
    other.key = key("RSA", 2)
    other.trust(client)
    posing = FixtureIssuer(GITHUB, clock, SUBJECT, platform.claims, key=other.key)
    assert other.kid == posing.kid == platform.kid
    assert refused(wire, client, posing.token()) == "signature"


def test_the_kid_of_another_issuer(wire, client, platform, clock):
    other = gitlab(clock)
    other.key, other.kid = key("RSA", 2), "gitlab-1"
    other.trust(client)
    posing = FixtureIssuer(GITHUB, clock, SUBJECT, platform.claims, key=other.key, kid="gitlab-1")
    assert refused(wire, client, posing.token()) == "kid"


def test_the_subject_of_one_issuer_from_another(wire, client, platform, clock):
    other = gitlab(clock)
    other.key = key("RSA", 2)
    other.trust(client)
    assert refused(wire, client, other.token(sub=SUBJECT)) == "federated_subject"


def test_claims_of_two_trusts_do_not_add_up(wire, client, platform):
    """Each trust stands alone: the repository of the one and the owner of the other are nobody's."""
    platform.trust(client, claims={"repository_id": "1", "repository_owner_id": "2"})
    assert refused(wire, client, platform.token(repository_id="1")) == "federated_claim"


def test_the_trust_of_another_client(wire, client, platform):
    stranger, _secret = factories.client(contact=factories.wim())
    assert refused(wire, stranger, platform.token()) == "federated_issuer"


def test_a_subject_that_another_client_trusts(wire, client, platform):
    stranger, _secret = factories.client(contact=factories.wim())
    platform.trust(stranger, subject="repo:leiestroom/other:ref:refs/heads/main")
    assert refused(wire, stranger, platform.token()) == "federated_subject"


def test_an_issuer_that_nobody_trusts(wire, client, clock):
    platform = github(clock)
    platform.register()
    assert refused(wire, client, platform.token()) == "federated_issuer"


def test_an_issuer_that_is_not_registered(wire, client, platform, clock):
    assert refused(wire, client, kubernetes(clock).token()) == "federated_issuer"


def test_a_disabled_issuer(wire, client, platform):
    Issuer.objects.update(disabled_at=NOW)
    assert refused(wire, client, platform.token()) == "federated_issuer"


def test_a_removed_trust(wire, client, platform, clock):
    gitlab(clock).trust(client)
    Trust.objects.filter(subject=SUBJECT).update(ends_at=NOW)
    assert refused(wire, client, platform.token()) == "federated_issuer"


def test_a_removed_trust_beside_one_of_the_same_issuer(wire, client, platform):
    platform.trust(client, subject="repo:leiestroom/other:ref:refs/heads/main")
    Trust.objects.filter(subject=SUBJECT).update(ends_at=NOW)
    assert refused(wire, client, platform.token()) == "federated_subject"


def test_the_clients_own_key_does_not_speak_for_an_issuer(wire, client, platform, signer):
    posing = FixtureIssuer(GITHUB, platform.clock, SUBJECT, platform.claims, key=signer.key, kid=signer.kid)
    posing.algorithm = "ES256"
    assert refused(wire, client, posing.token()) == "kid"


def test_the_key_of_an_issuer_does_not_speak_for_the_client(wire, client, platform, signer):
    """An own assertion, `iss` and `sub` the client id, signed by the issuer."""
    own = platform.token(iss=client.client_id, sub=client.client_id, jti="1", aud=OURS)
    assert refused(wire, client, own) == "kid"


# --- Pins of every type -----------------------------------------------------------------------------------------------

VALUES: list[Any] = [True, False, 1, 0, 1.5, "1", "true", "", None, [], {}, [1], {"a": 1}, {"a": True}, "null", [True]]


@pytest.mark.parametrize("pinned", VALUES, ids=json.dumps)
def test_a_pin_equals_its_own_type_and_value_and_no_other(pinned):
    """PROTOCOL F-32: 1 is not true, "1" is not 1, null is not an absent claim."""
    accepted = [json.dumps(sent) for sent in VALUES if is_pinned({"pin": sent}, "pin", pinned)]
    assert accepted == [json.dumps(pinned)]
    assert not is_pinned({}, "pin", pinned)


def test_pins_of_another_type_are_refused(wire, client, clock):
    """PROTOCOL F-32."""
    platform = github(clock)
    platform.trust(client, claims={"number": 1, "flag": True, "text": "1", "nothing": None})
    right = {"number": 1, "flag": True, "text": "1", "nothing": None}
    wrong: list[dict[str, Any]] = [
        {"number": True}, {"number": "1"}, {"number": 1.0}, {"flag": 1}, {"flag": "true"}, {"text": 1}, {"text": "01"},
        {"nothing": "null"}, {"nothing": False}, {"nothing": ""},
    ]  # fmt: skip
    for changed in wrong:
        payload = json.dumps({**platform.content(), **right, **changed}).encode()
        assert refused(wire, client, platform.token(payload=payload)) == "federated_claim", changed
    payload = json.dumps({**platform.content(), **right}).encode()
    assert wire.post("token", form(client, platform.token(payload=payload))).status == 200
    absent = json.dumps({**platform.content(), "number": 1, "flag": True, "text": "1"}).encode()
    assert refused(wire, client, platform.token(payload=absent)) == "federated_claim"


NESTED: list[Any] = [
    {"serviceaccount": {"uid": f"{SERVICE_ACCOUNT} "}},
    {"serviceaccount": {"uid": [SERVICE_ACCOUNT]}},
    {"serviceaccount": [{"uid": SERVICE_ACCOUNT}]},
    {"serviceaccount": SERVICE_ACCOUNT},
    {"serviceaccount": {}},
    {"serviceaccount/uid": SERVICE_ACCOUNT},
    [{"serviceaccount": {"uid": SERVICE_ACCOUNT}}],
    SERVICE_ACCOUNT,
    None,
]


def test_a_pointer_leads_through_objects_alone(wire, client, clock):
    """PROTOCOL F-32 (RFC 6901)."""
    platform = kubernetes(clock)
    platform.trust(client)
    for nested in NESTED:
        assert refused(wire, client, platform.token(**{"kubernetes.io": nested})) == "federated_claim", nested


def test_a_name_with_dots_is_one_member(wire, client, clock):
    platform = github(clock)
    platform.trust(client, claims={"a.b": "c"})
    assert wire.post("token", form(client, platform.token(**{"a.b": "c"}))).status == 200
    assert refused(wire, client, platform.token(a={"b": "c"})) == "federated_claim"


def test_a_pointer_reaches_a_member_with_a_slash(wire, client, clock):
    platform = github(clock)
    platform.trust(client, claims={"/a~1b/m~0n": "c"})
    assert wire.post("token", form(client, platform.token(**{"a/b": {"m~n": "c"}}))).status == 200
    assert refused(wire, client, platform.token(a={"b": {"m~n": "c"}})) == "federated_claim"


# --- Another audience, a longer lifetime ------------------------------------------------------------------------------

REGISTERED: list[tuple[str, dict[str, Any]]] = [
    ("federated_audience", {"aud": OURS}),
    ("federated_audience", {"aud": "6E74172B-BE56-4843-9FF4-E66A39BB12E3"}),
    ("expires_too_late", {"exp": AT + 86_401}),
    ("federated_claim", {"tid": "00000000-0000-0000-0000-000000000000"}),
]


@pytest.mark.parametrize(("rule", "changed"), REGISTERED, ids=lambda value: str(value)[:60])
def test_a_registered_audience_and_lifetime_stand_in_place_of_ours(wire, client, clock, rule, changed):
    """PROTOCOL F-32."""
    platform = entra(clock)
    platform.trust(client)
    assert refused(wire, client, platform.token(**changed)) == rule
