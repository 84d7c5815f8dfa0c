"""API M-5: a POST that is sent again with its Idempotency-Key is done once, and gets the first answer."""

from datetime import timedelta

import pytest
import time_machine
from cryptography.hazmat.primitives import serialization
from django.db import connection
from django.utils import timezone
from joserfc.jwk import ECKey

from audit.models import Entry
from clients import retention
from clients.actors import Actor
from clients.acts.credentials import client_secrets
from clients.models import KeptAnswer, Mail
from foundation import secret_format
from portal.api import idempotency
from tests.portal.api.support.callers import Caller, caller, token_for
from tests.portal.api.support.proofs import proof
from tests.support import factories
from tests.support.keys import jwk_of, new_ec
from tests.support.parallel import at_once

pytestmark = pytest.mark.django_db


def post(call, path, body, key="first"):
    return call("POST", path, body, **{"Idempotency-Key": key})


def new_key(client):
    private = new_ec()
    return {"jwk": jwk_of(private), "proof": proof(private, client.client_id)}


def test_a_retry_gets_the_first_answer_and_adds_nothing(call, made):
    body = new_key(made)
    first, again = post(call, "self/keys", body), post(call, "self/keys", body)
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.json(), again["ETag"]) == (first.json(), first["ETag"])
    assert made.keys.count() == Entry.objects.filter(action="key.added").count() == 1


def test_another_token_of_the_client_is_no_other_caller_and_another_client_is(call, made):
    other, _secret = factories.client()
    first = post(call, "self/secret", {"overlap": 0}).json()
    assert post(Caller(made, token_for(made)), "self/secret", {"overlap": 0}).json() == first
    assert post(caller(other), "self/secret", {"overlap": 0}).json()["id"] != first["id"]


@pytest.mark.parametrize(("path", "body"), [("self/secret", {"overlap": 60}), ("self/tokens/invalidate", {})])
def test_another_body_or_operation_is_refused(call, made, path, body):
    post(call, "self/secret", {"overlap": 0})
    answer = post(call, path, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert made.secrets.count() == 2


def test_an_answer_without_a_body_is_kept_too(call, made):
    assert post(call, "self/tokens/invalidate", {}).status_code == 204
    assert post(caller(made), "self/tokens/invalidate", {}).status_code == 204
    assert Entry.objects.filter(action="client.tokens_invalidated").count() == 1


def test_a_refusal_is_not_kept(call, made):
    body = new_key(made)
    refused = post(call, "self/keys", body | {"previous": "retire"})
    assert refused.status_code == 422
    assert post(call, "self/keys", body).status_code == 201


def test_what_a_refusal_reports_is_kept(call, made):
    pem = new_ec().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    answer = post(call, "self/keys", {"jwk": ECKey.import_key(pem).as_dict(private=True)})
    assert answer.json()["code"] == "private_key_material"
    assert Mail.objects.filter(kind="private_key_received").count() == 1
    assert not KeptAnswer.objects.exists()


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "é"])
def test_a_key_is_a_short_text_of_ascii(call, made, key):
    answer = post(call, "self/secret", {"overlap": 0}, key)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Idempotency-Key")
    assert made.secrets.count() == 1


# --- Secrets ----------------------------------------------------------------------------------------------------------


def test_a_secret_is_shown_to_the_retry_and_stored_sealed(call, made):
    first, again = (post(call, "self/secret", {"overlap": 0}).json() for _ in range(2))
    assert again == first
    assert made.secrets.current().get().digest == secret_format.digest(again["secret"])
    kept = KeptAnswer.objects.get()
    assert first["secret"] not in str(kept.body)
    assert first["secret"].encode() not in bytes(kept.ciphertext)


@pytest.mark.parametrize("viewable_at_first", [True, False])
def test_where_secrets_are_shown_once_the_retry_gets_none_and_is_told(call, made, settings, viewable_at_first):
    settings.SECRETS_VIEWABLE = viewable_at_first
    first = post(call, "self/secret", {"overlap": 0}).json()
    settings.SECRETS_VIEWABLE = False
    again = post(call, "self/secret", {"overlap": 0})
    assert again.status_code == 201
    assert again.json() == {"id": first["id"], "previous_ends_at": first["previous_ends_at"], "code": "secret_not_kept"}
    assert (KeptAnswer.objects.get().ciphertext is None) == (not viewable_at_first)


def test_a_change_of_the_sealing_key_takes_the_secrets_of_first_answers(call):
    post(call, "self/secret", {"overlap": 0})
    client_secrets.reencrypt(by=Actor(system="a command"))
    assert KeptAnswer.objects.get().ciphertext is None
    assert post(call, "self/secret", {"overlap": 0}).json()["code"] == "secret_not_kept"


# --- Bounds -----------------------------------------------------------------------------------------------------------


def test_an_answer_is_kept_for_a_day_and_then_deleted(made):
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        post(caller(made), "self/secret", {"overlap": 0})
    almost = now + timedelta(hours=24) - timedelta(seconds=1)
    retention.delete_expired(now=almost)
    with time_machine.travel(almost, tick=False):
        post(caller(made), "self/secret", {"overlap": 0})
    assert made.secrets.count() == 2
    with time_machine.travel(now + timedelta(hours=24), tick=False):
        assert post(caller(made), "self/secret", {"overlap": 60}).status_code == 201
    retention.delete_expired(now=now + timedelta(hours=48))
    assert not KeptAnswer.objects.exists()


def test_a_client_has_a_bounded_number_of_kept_answers(call, made, monkeypatch):
    monkeypatch.setattr(idempotency, "MAX_KEPT_PER_CLIENT", 1)
    post(call, "self/secret", {"overlap": 0}, "first")
    answer = post(call, "self/secret", {"overlap": 0}, "second")
    assert (answer.status_code, answer["Retry-After"]) == (429, "86400")
    assert post(call, "self/secret", {"overlap": 0}, "first").status_code == 201


@pytest.mark.django_db(transaction=True)
def test_while_the_first_one_runs_the_second_is_told_to_wait(call, made):
    with connection.cursor() as cursor:
        name = f"idempotency:{made.pk}:first"
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
        (answer,) = at_once(1, lambda _number: post(call, "self/secret", {"overlap": 0}))
        cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_in_use")
    assert post(call, "self/secret", {"overlap": 0}).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_is_done(call, made):
    answers = at_once(6, lambda _number: post(call, "self/secret", {"overlap": 0}))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["secret"] for answer in answers if answer.status_code == 201}) == 1
    assert made.secrets.count() == 2
