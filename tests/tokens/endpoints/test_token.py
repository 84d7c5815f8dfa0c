"""PROTOCOL T-18: the token answer, the token itself, and what is kept of it."""

from __future__ import annotations

import hashlib
import json
import re

from django.db import connection

from clients.acts import lifecycle
from foundation import secret_format
from tests.support.factories import NOW, SYSTEM
from tokens.models import Token
from tokens.protocol import token_format

FORM = re.compile(r"kdt_[A-Za-z0-9_-]{43}[A-Za-z0-9]{6}")


def test_the_answer_has_four_members_and_no_refresh_token(wire, authorization):
    answer = wire.token(authorization, "address.read")
    assert answer.status == 200
    assert set(answer.json) == {"access_token", "token_type", "expires_in", "scope"}
    assert answer.json["token_type"] == "bearer"
    assert answer.json["scope"] == "address.read"
    assert (type(answer.json["expires_in"]), answer.json["expires_in"]) == (int, 3600)
    assert FORM.fullmatch(answer.json["access_token"])


# --- The lifetime is true ---------------------------------------------------------------------------------------------


def test_the_token_lives_as_long_as_was_said_to_the_second(wire, clock, authorization, resource_server):
    answer = wire.token(authorization).json
    token, seconds = answer["access_token"], answer["expires_in"]
    row = Token.objects.get()
    assert (row.expires_at - row.issued_at).total_seconds() == seconds
    clock.pass_by(seconds - 1)
    assert wire.is_active(token, resource_server)
    clock.pass_by(1)
    assert not wire.is_active(token, resource_server)
    assert wire.get("verify", authorization=f"Bearer {token}").error == "invalid_token"


def test_the_lifetime_is_a_setting_of_the_site_and_may_be_the_clients_own(start, client, authorization, clock):
    processes = (start(token_lifetime=900), start(token_lifetime=900))
    for lifetime, expected in ((None, 900), (60, 60), (86_400, 86_400), (None, 900)):
        lifecycle.change_settings(client=client, settings={"token_lifetime": lifetime}, by=SYSTEM, now=NOW)
        for wire in processes:  # also where a snapshot from before the change is kept
            answer = wire.token(authorization).json
            assert answer["expires_in"] == expected
            description = wire.introspect(answer["access_token"], authorization).json
            assert description["exp"] - description["iat"] == expected
            assert description["iat"] == int(clock())


# --- The token --------------------------------------------------------------------------------------------------------


def test_a_token_has_256_random_bits_a_prefix_and_a_checksum() -> None:
    tokens = {token_format.generate() for _ in range(200)}
    assert len({token[4:47] for token in tokens}) == 200
    for token in tokens:
        assert FORM.fullmatch(token)
        assert token_format.is_well_formed(token)
        assert token[-6:] == secret_format.checksum(token[:-6])
    for position in range(4, 47):  # every character varies
        assert len({token[position] for token in tokens}) > 3, position


def test_a_token_is_no_secret_and_a_secret_no_token() -> None:
    assert not token_format.is_well_formed(secret_format.generate())
    assert not secret_format.is_well_formed(token_format.generate())


def test_a_token_with_any_character_changed_is_not_well_formed() -> None:
    token = token_format.generate()
    for position in range(len(token)):
        other = "A" if token[position] != "A" else "B"
        assert not token_format.is_well_formed(token[:position] + other + token[position + 1 :])


def test_a_token_cut_padded_or_changed_in_case_is_not_well_formed() -> None:
    token = token_format.generate()
    changed = (token.lower(), token.upper(), token.swapcase(), token[:-1], token[1:], token + "A", f" {token}", "")
    assert not any(token_format.is_well_formed(text) for text in changed)


def test_a_malformed_token_is_never_looked_up(wire, authorization, monkeypatch):
    asked: list[object] = []
    monkeypatch.setattr(wire.application.services.store, "look_up", asked.append)
    for token in ("x", "kdt_", token_format.generate()[:-1] + "-", "é" * 53):
        assert wire.introspect(token, authorization).json == {"active": False}
        assert wire.get("verify", authorization="Bearer x").error == "invalid_token"
    assert asked == []


# --- What is kept -----------------------------------------------------------------------------------------------------


def test_only_the_sha_256_of_a_token_is_stored_anywhere(wire, authorization, resource_server):
    token = wire.token(authorization).json["access_token"]
    wire.introspect(token, resource_server)
    wire.get("verify", authorization=f"Bearer {token}")
    wire.post("revoke", {"token": token}, authorization=authorization)
    wire.write_behind()
    assert bytes(Token.objects.get().digest) == hashlib.sha256(token.encode()).digest()
    everything = everything_in_the_database()
    assert "tokens_token" in everything
    assert '"endpoint": "verify"' in wire.log.getvalue()
    for part in (token, token[4:47], token[4:30]):
        assert part not in everything
        assert part not in wire.log.getvalue()


def everything_in_the_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
        found = {}
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT json_agg(t)::text FROM public.{table} t")
            found[table] = cursor.fetchone()[0]
    return json.dumps(found)


def test_a_token_remembers_what_it_was_issued_to_and_from_where(wire, client, authorization, signer):
    wire.token(authorization, address="2001:db8::7")
    wire.post("token", signer.form(grant_type="client_credentials"), address="192.0.2.44")
    tokens = Token.objects.of(client)
    kept = {(token.credential, token.address) for token in tokens}
    assert kept == {
        (client.secrets.get().credential, "2001:db8::7"),
        (client.keys.get().credential, "192.0.2.44"),
    }
