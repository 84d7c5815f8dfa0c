"""PROTOCOL A-7: client_secret_post, client_id and client_secret in the form (RFC 6749 section 2.3.1)."""

import pytest

from tests.tokens.support.wire import Wire

GRANT = {"grant_type": "client_credentials", "token": "x"}
ENDPOINTS = ("token", "introspect", "revoke")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_id_and_secret_in_the_form(wire: Wire, client, secret, endpoint):
    credentials = {"client_id": client.client_id, "client_secret": secret}
    assert wire.post(endpoint, GRANT | credentials).status == 200
    wrong = wire.post(endpoint, GRANT | credentials | {"client_secret": secret[:-1]})
    assert wrong.error == "invalid_client"
    assert wire.rule(wrong) == "secret_wrong"


def test_escaped_like_every_parameter(wire, client, secret):
    escaped = "".join(f"%{ord(char):02X}" for char in secret)
    form = f"grant_type=client_credentials&client_id={client.client_id}&client_secret="
    assert wire.post("token", form + escaped).status == 200
    assert wire.post("token", form + escaped.replace("%", "%25")).error == "invalid_client"


def test_a_secret_without_an_id(wire, secret):
    answer = wire.post("token", GRANT | {"client_secret": secret})
    assert (answer.status, answer.error) == (400, "invalid_request")
    assert "client_id" in answer.json["error_description"]


def test_an_id_without_a_secret(wire, client):
    for form in ({"client_id": client.client_id}, {"client_id": client.client_id, "client_secret": ""}):
        answer = wire.post("token", GRANT | form)
        assert (answer.status, answer.error) == (400, "invalid_client")
        assert wire.rule(answer) == "no_credentials"


def test_ids_and_secrets_of_any_characters_and_length(wire, client, secret):
    for client_id in ("a b", "é", "'", "\u202e", "x" * 50_000, client.client_id + "\n"):
        assert wire.post("token", GRANT | {"client_id": client_id, "client_secret": secret}).error == "invalid_client"
    for wrong in ("\U0001f511", "\u202e", "x" * 50_000, secret + "\n"):
        answer = wire.post("token", GRANT | {"client_id": client.client_id, "client_secret": wrong})
        assert (answer.error, wire.rule(answer)) == ("invalid_client", "secret_wrong")


def test_the_secret_is_in_no_log_and_no_journal(wire, client, secret):
    form = {"client_id": client.client_id, "client_secret": secret + "x"}
    entry = wire.cause(wire.post("token", GRANT | form))
    assert secret not in str(entry.facts)
    assert secret not in wire.log.getvalue()
