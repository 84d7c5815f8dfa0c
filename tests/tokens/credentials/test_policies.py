"""PROTOCOL C-39 and C-40: what a policy bounds, from when, and for which clients."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import OKPKey, RSAKey

from audit import log
from audit.models import Entry
from clients import keymaterial
from clients.acts import lifecycle, policies, proposals
from clients.acts.credentials import client_secrets, keys
from clients.models import Client, Mail, PolicyBound, Proposal, Secret
from clients.models.policy import About
from clients.policy.bounds import Bound
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from tests.support import factories
from tests.support.factories import NOW, SYSTEM, bram, by, noor
from tests.support.keys import public_key
from tests.support.parallel import at_once
from tests.tokens.conftest import add_key
from tests.tokens.support.wire import ISSUER, Signer, Wire, basic, public_jwk

GRANT = {"grant_type": "client_credentials"}
DAY = timedelta(days=1)
SOON = NOW + 40 * DAY
LATER = NOW + timedelta(minutes=1)  # the clients of the fixtures exist by then


def decide(
    bound: Bound, value: Any = True, *, about: About = log.SITE, existing_from: datetime | None = SOON,
    now: datetime = LATER, affected: tuple[int, ...] = (),
) -> Proposal:  # fmt: skip
    """Let Noor propose a bound and Bram confirm it."""
    wanted = policies.Wanted(about, bound, value, existing_from=existing_from)
    content = {**wanted.content, "affected": list(affected)}
    proposal = proposals.propose(
        kind=Proposal.Kind.POLICY_CHANGED, about=about, content=content, reason="Case 4711", by=by(noor()), now=now
    )
    proposals.confirm(proposal=proposal, by=by(bram()), now=now, reason="Agreed")
    return proposal


def rule(wire: Wire, form: dict[str, str]) -> str:
    answer = wire.post("token", form)
    return "ok" if answer.status == 200 else wire.rule(answer)


def test_a_policy_of_today_leaves_an_existing_client_its_days(wire: Wire, client, authorization, clock) -> None:
    decide(Bound.SECRETS_OFF)
    assert client.secrets.get().expires_at == SOON
    assert wire.token(authorization).status == 200
    clock.at = SOON.timestamp() - 1
    assert wire.token(authorization).status == 200
    clock.pass_by(1)
    assert wire.rule(wire.token(authorization)) == "credential_ended"


def test_a_new_client_follows_at_once(wire: Wire, clock) -> None:
    decide(Bound.SECRETS_OFF, existing_from=None)
    clock.at = LATER.timestamp()
    decide(Bound.AUDIENCE, existing_from=None)
    made, secret = factories.client(now=LATER)
    assert (secret, made.secrets.exists()) == ("", False)
    with pytest.raises(Refusal, match=Code.SECRETS_OFF_BY_POLICY):
        client_secrets.regenerate(client=made, replaces=None, overlap=timedelta(0), by=SYSTEM, now=LATER)
    key = OKPKey.generate_key("Ed25519")
    add_key(made, key)
    mine = Signer(made.client_id, key, clock, algorithm="Ed25519")
    assert rule(wire, mine.form(**GRANT)) == "audience"
    assert rule(wire, mine.form(mine.assertion(aud=ISSUER), **GRANT)) == "ok"


def test_without_a_policy_everything_stays_allowed_for_new_clients(wire: Wire, clock) -> None:
    made, secret = factories.client(now=LATER)
    assert wire.token(basic(made.client_id, secret)).status == 200
    key = OKPKey.generate_key("Ed25519")
    add_key(made, key)
    mine = Signer(made.client_id, key, clock, algorithm="EdDSA")
    assert rule(wire, mine.form(**GRANT)) == "ok"


@pytest.mark.parametrize(
    ("bound", "value", "old", "new", "refused"),
    [
        (Bound.AUDIENCE, True, {}, {"aud": ISSUER}, "audience"),
        (Bound.ASSERTION_LIFETIME, 600, {"exp": 3000}, {"exp": 500}, "expires_too_late"),
        (Bound.EDDSA_OFF, True, {"algorithm": "EdDSA"}, {}, "algorithm"),
        (Bound.ALGORITHMS, ["Ed25519"], {"algorithm": "EdDSA"}, {}, "algorithm"),
    ],
)
def test_an_old_way_works_until_its_day(wire: Wire, client, clock, bound, value, old, new, refused) -> None:
    key = OKPKey.generate_key("Ed25519")
    add_key(client, key)

    def outcome(**changes: Any) -> str:
        mine = Signer(client.client_id, key, clock, algorithm=changes.pop("algorithm", "Ed25519"))
        if "exp" in changes:
            changes["exp"] += int(clock())
        return rule(wire, mine.form(mine.assertion(**changes), **GRANT))

    assert outcome(**old) == "ok"
    decide(bound, value)
    clock.at = SOON.timestamp() - 1
    assert outcome(**old) == "ok"
    clock.pass_by(1)
    assert outcome(**old) == refused
    assert outcome(**new) == "ok"


def test_a_token_in_the_address_is_refused_from_its_day(wire: Wire, client, authorization, clock) -> None:
    decide(Bound.QUERY_OFF)
    for seconds, status in ((-1, 200), (0, 401)):
        clock.at = SOON.timestamp() + seconds
        token = wire.token(authorization).json["access_token"]
        answer = wire.get("verify", query=f"access_token={token}")
        assert answer.status == status
        assert wire.get("verify", authorization=f"Bearer {token}").status == 200
    assert wire.rule(answer) == "policy"


def test_a_small_rsa_key_ends_and_no_other_is_added(wire: Wire, client, clock) -> None:
    private = RSAKey.generate_key(2048)
    row = add_key(client, private)
    decide(Bound.RSA_BITS, 3072)
    row.refresh_from_db()
    assert row.expires_at == SOON
    new, _secret = factories.client(now=LATER)
    (small,) = keymaterial.read(json.dumps(public_jwk(RSAKey.generate_key(2048))).encode(), now=LATER)
    with pytest.raises(Refusal, match=Code.KEY_SMALLER_THAN_POLICY) as refusal:
        keys.add(client=new, key=small, by=SYSTEM, now=LATER)
    assert refusal.value.facts == {"bits": 2048, "least": 3072}


def test_a_key_without_proof_is_refused_where_a_policy_asks_for_one(transactional_db) -> None:
    decide(Bound.PROOF)
    new, _secret = factories.client(now=LATER)
    with pytest.raises(Refusal, match=Code.PROOF_DEMANDED_BY_POLICY):
        keys.add(client=new, key=public_key(), by=SYSTEM, now=LATER)
    keys.add(client=new, key=public_key(), by=SYSTEM, now=LATER, proven=True)


def test_an_end_comes_no_nearer_than_thirty_days_and_goes_back(client) -> None:
    then = NOW + 700 * DAY
    decide(Bound.SECRET_MAX_AGE, 90, existing_from=then + 30 * DAY, now=then)
    secret = client.secrets.get()
    assert secret.expires_at == secret.site_expires_at  # in 30 days by itself
    Secret.objects.update(site_expires_at=then + 400 * DAY, expires_at=then + 400 * DAY)
    decide(Bound.SECRET_MAX_AGE, 91, existing_from=then + 30 * DAY, now=then)
    assert client.secrets.get().expires_at == then + 30 * DAY
    decide(Bound.SECRET_MAX_AGE, None, existing_from=None, now=then)
    assert client.secrets.get().expires_at == then + 400 * DAY


def test_the_strictest_of_site_api_and_client_holds(client) -> None:
    decide(Bound.SECRET_MAX_AGE, 300)
    decide(Bound.SECRET_MAX_AGE, 200, about=factories.api())
    decide(Bound.SECRET_MAX_AGE, 250, about=client)
    assert client.secrets.get().expires_at == NOW + 200 * DAY
    other, _secret = factories.client(scopes=(), now=LATER)
    assert other.secrets.get().expires_at == LATER + 300 * DAY


def test_a_scope_brings_the_policy_of_its_api_with_thirty_days(client) -> None:
    other = factories.api("parcels")
    decide(Bound.SECRETS_OFF, about=other, existing_from=NOW + 31 * DAY)
    assert client.secrets.get().expires_at == NOW + 730 * DAY
    later, scope = NOW + 100 * DAY, factories.scope("parcel.read", of=other)
    lifecycle.change_scopes(client=client, scopes=[scope], defaults=[], by=SYSTEM, now=later)
    assert client.secrets.get().expires_at == later + 30 * DAY


def test_it_takes_two_people_one_entry_and_mails_exactly_the_affected(client) -> None:
    factories.client(contact=factories.wim())
    wanted = policies.Wanted(log.SITE, Bound.AUDIENCE, True, existing_from=SOON)
    with pytest.raises(Refusal, match=Code.NEEDS_COLLEAGUE):
        policies.change(wanted=wanted, tell=[], reason="x", agreed=None, by=by(noor()), now=NOW)
    decide(Bound.AUDIENCE, affected=(client.pk,))
    mails = Mail.objects.filter(kind=Mail.Kind.POLICY_CHANGED)
    assert [mail.to for mail in mails] == ["lotte@leiestroom.example"]
    (entry,) = Entry.objects.filter(action="policy.changed")
    assert entry.changes["clients_mailed"] == [None, 1]
    assert entry.changes["proposed_by"][1] == noor().audit_label
    assert entry.changes["existing_from"] == [None, SOON.isoformat()]


@pytest.mark.parametrize(
    ("bound", "value", "existing_from", "code"),
    [
        (Bound.AUDIENCE, True, NOW + 29 * DAY, Code.POLICY_DATE_TOO_NEAR),
        (Bound.AUDIENCE, None, None, Code.POLICY_UNCHANGED),
        (Bound.AUDIENCE, 5, None, Code.POLICY_VALUE_WRONG),
        (Bound.RSA_BITS, 1024, None, Code.POLICY_VALUE_WRONG),
        (Bound.ALGORITHMS, [], None, Code.POLICY_VALUE_WRONG),
    ],
)
def test_what_cannot_be_is_refused_when_it_is_proposed(transactional_db, bound, value, existing_from, code) -> None:
    with pytest.raises(Refusal, match=code):
        decide(bound, value, existing_from=existing_from)


def test_a_late_confirmation_leaves_the_thirty_days_too(client) -> None:
    wanted = policies.Wanted(log.SITE, Bound.SECRETS_OFF, True, existing_from=NOW + 30 * DAY)
    proposal = proposals.propose(
        kind=Proposal.Kind.POLICY_CHANGED, about=log.SITE, content={**wanted.content, "affected": []},
        reason="Case 4711", by=by(noor()), now=NOW,
    )  # fmt: skip
    proposals.confirm(proposal=proposal, by=by(bram()), now=NOW + 6 * DAY, reason="Agreed")
    assert PolicyBound.objects.get().existing_from == NOW + 36 * DAY
    assert client.secrets.get().expires_at == NOW + 36 * DAY


def test_a_token_request_sees_either_policy_and_never_a_mixture(wire: Wire, start, clock) -> None:
    """A change of policy and token requests of two processes at the same time: each answer is of one version."""
    clock.at = LATER.timestamp()
    decide(Bound.AUDIENCE, existing_from=None)
    made, _secret = factories.client(now=LATER)
    key = OKPKey.generate_key("Ed25519")
    add_key(made, key)
    mine, other = Signer(made.client_id, key, clock, algorithm="Ed25519"), start()
    assert rule(wire, mine.form(**GRANT)) == "audience"

    def act(number: int) -> object:
        if not number:
            return decide(Bound.AUDIENCE, None, existing_from=None)
        answer = other.post("token", mine.form(**GRANT))
        return answer.status, answer.json.get("error", "")

    _decided, *outcomes = at_once(4, act)
    assert set(outcomes) <= {(200, ""), (400, "invalid_client")}
    assert {rule(process, mine.form(**GRANT)) for process in (wire, other)} == {"ok"}


def test_a_change_of_policy_moves_the_versions_of_its_clients_alone(client) -> None:
    other, _secret = factories.client(scopes=())
    before = dict(Client.objects.values_list("pk", "version"))
    decide(Bound.AUDIENCE, about=factories.api())
    after = dict(Client.objects.values_list("pk", "version"))
    assert after[client.pk] > before[client.pk]
    assert after[other.pk] == before[other.pk]
