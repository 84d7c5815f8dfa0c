"""PROTOCOL I-22: a client gives up its own tokens (RFC 7009)."""

from __future__ import annotations

import pytest

from tests.support import factories
from tests.tokens.support.wire import basic
from tokens.models import Token
from tokens.protocol import token_format


@pytest.fixture
def token(wire, authorization) -> str:
    return wire.token(authorization).json["access_token"]


def test_a_revoked_token_is_inactive_everywhere_from_the_answer_on(start, authorization, resource_server):
    processes = (start(), start())
    for wire in processes:
        token, other = (processes[0].token(authorization).json["access_token"] for _ in range(2))
        assert all(process.is_active(token, resource_server) for process in processes)
        answer = wire.post("revoke", {"token": token}, authorization=authorization)
        assert (answer.status, answer.json) == (200, {})
        for process in processes:
            assert not process.is_active(token, resource_server)
            assert not process.is_active(token, authorization)
            assert process.get("verify", authorization=f"Bearer {token}").error == "invalid_token"
            assert process.is_active(other, resource_server)


def test_revoking_again_is_no_error_and_keeps_the_first_time(wire, clock, token, authorization):
    for _ in range(3):
        assert wire.post("revoke", {"token": token}, authorization=authorization).status == 200
        clock.pass_by(10)
    assert Token.objects.get().revoked_at.timestamp() == clock() - 30


def test_an_unknown_or_malformed_token_is_answered_like_a_success(wire, token, authorization):
    for odd in (token_format.generate(), token[:-1], f"{token} ", token.lower(), "x", "é", "A" * 50_000):
        answer = wire.post("revoke", {"token": odd}, authorization=authorization)
        assert (answer.status, answer.json) == (200, {}), odd
    assert wire.is_active(token, authorization)


def test_a_client_cannot_revoke_the_token_of_another(wire, token, authorization, resource_server):
    other, secret = factories.client(contact=factories.wim())
    for stranger in (basic(other.client_id, secret), resource_server):
        answer = wire.post("revoke", {"token": token}, authorization=stranger)
        assert (answer.status, answer.json) == (200, {})
        assert wire.is_active(token, authorization)
        assert Token.objects.get().revoked_at is None


def test_the_client_must_authenticate(wire, client, token, signer):
    for answer in (
        wire.post("revoke", {"token": token}),
        wire.post("revoke", {"token": token, "client_id": client.client_id}),
        wire.post("revoke", {"token": token}, authorization=basic(client.client_id, "wrong")),
        wire.post("revoke", {"token": token}, authorization=f"Bearer {token}"),
        wire.post("revoke", signer.form(signer.assertion(exp=1), token=token)),
    ):
        assert answer.error == "invalid_client"
        assert answer.status in (400, 401)
        assert Token.objects.get().revoked_at is None
    assert wire.post("revoke", signer.form(token=token)).status == 200
    assert Token.objects.get().revoked_at is not None


def test_the_token_is_required(wire, authorization, signer):
    for body in ("", "token=", "access_token=x"):
        answer = wire.post("revoke", body, authorization=authorization)
        assert (answer.status, answer.error) == (400, "invalid_request")
        assert wire.rule(answer) == "missing_parameter"
    assert wire.post("revoke", signer.form()).error == "invalid_request"


def test_a_token_in_another_field_or_in_the_address_is_not_revoked(wire, token, authorization):
    answer = wire.post("revoke", "", authorization=authorization, query=f"token={token}")
    assert answer.error == "invalid_request"
    assert wire.is_active(token, authorization)
