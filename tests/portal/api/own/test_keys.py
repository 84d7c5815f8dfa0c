"""API M-9 and M-10: a client adds, activates and retires its own keys."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from django.utils import timezone
from joserfc.jwk import ECKey

from audit.models import Entry
from clients.acts.credentials import keys
from clients.mail.rendering import render
from clients.models import Client, Key, Mail
from tests.portal.api.support.callers import caller
from tests.portal.api.support.proofs import ISSUER, proof
from tests.support import factories
from tests.support.factories import by, lotte
from tests.support.keys import certificate_pem, jwk_of, new_ec, public_key
from tokens.models import UsedAssertion

pytestmark = pytest.mark.django_db


def body_of(private, client, **changes):
    return {"jwk": jwk_of(private), "proof": proof(private, client.client_id), **changes}


@pytest.fixture
def added(made):
    """A key that a contact added, beside the client's secret."""
    return keys.add(client=made, key=public_key(), by=by(lotte()), now=timezone.now() - timedelta(days=1))


def test_a_proven_key_works_at_once_and_is_logged_and_mailed_with_the_network(call, made):
    private = new_ec()
    answer = call("POST", "self/keys", body_of(private, made))
    assert answer.status_code == 201, answer.text
    key = made.keys.get()
    assert (answer.json()["id"], answer.json()["state"]) == (str(key.uid), "active")
    assert answer["ETag"] == f'"{answer.json()["etag"]}"'
    assert key.proven_at is not None
    entry = Entry.objects.get(action="key.added")
    assert entry.actor_id == f"client:{made.uid}"
    assert entry.actor_label == f"{made.audit_label}, secret …{made.secrets.get().hint}"
    mail = Mail.objects.get(kind="client_changed")
    assert (mail.to, mail.facts["network"]) == (lotte().email, "127.0.0.0/24")
    assert "127.0.0.0/24" in render(mail, now=timezone.now()).body


def test_a_certificate_is_added_with_its_end(call, made):
    private, now = new_ec(), timezone.now()
    pem = certificate_pem(private, days=30, now=now).decode()
    answer = call("POST", "self/keys", {"certificate": pem, "proof": proof(private, made.client_id)})
    assert (answer.status_code, answer.json()["type"]) == (201, "certificate")
    assert answer.json()["ends_at"] is not None


def test_a_staged_key_is_activated_later(call, made):
    answer = call("POST", "self/keys", body_of(new_ec(), made, start="staged"))
    assert answer.json()["state"] == "staged"
    path = f"self/keys/{answer.json()['id']}"
    assert call("PATCH", path, {"active": True}).json()["code"] == "if_match_missing"
    changed = call("PATCH", path, {"active": True}, **{"If-Match": answer["ETag"]})
    assert (changed.status_code, changed.json()["state"]) == (200, "active")
    stale = call("PATCH", path, {"active": True}, **{"If-Match": answer["ETag"]})
    assert (stale.status_code, stale.json()["code"]) == (412, "changed_meanwhile")
    again = call("PATCH", path, {"active": True}, **{"If-Match": changed["ETag"]})
    assert (again.status_code, again.json()["code"]) == (409, "key_not_staged")


def test_the_new_key_takes_over_from_the_one_that_got_the_token(made, added):
    call = caller(made, credential=added)
    answer = call("POST", "self/keys", body_of(new_ec(), made, previous="retire", overlap=3600))
    assert answer.status_code == 201, answer.text
    added.refresh_from_db()
    assert added.state(timezone.now()) == Key.State.RETIRING


def test_a_waiting_key_is_shown_as_such_and_retires_the_key_of_the_token_by_itself(made, added):
    call = caller(made, credential=added)
    answer = call("POST", "self/keys", body_of(new_ec(), made, start="first_use", overlap=3600))
    assert (answer.status_code, answer.json()["state"], answer.json()["starts_at"]) == (201, "waiting", None)
    key = made.keys.get(uid=answer.json()["id"])
    assert (key.takes_over_from, key.takes_over_after) == (added, timedelta(hours=1))
    assert Entry.objects.filter(action="key.added").first().changes["takes_over_from"] == [None, added.kid]
    ends = call("GET", "self").json()["policy"]["ends"]
    assert {end["id"]: end["why"] for end in ends}[str(key.uid)] == "unused"
    added.refresh_from_db()
    assert added.retires_at is None


@pytest.mark.parametrize("more", [{}, {"previous": "keep"}])
def test_a_waiting_key_beside_a_secret_alone_replaces_nothing(call, made, more):
    answer = call("POST", "self/keys", body_of(new_ec(), made, start="first_use", **more))
    assert answer.status_code == 201, answer.text
    assert made.keys.get().takes_over_from is None


def test_a_key_that_was_used_takes_over_before_the_next_is_added(made, added):
    first = caller(made, credential=added)("POST", "self/keys", body_of(new_ec(), made, start="first_use"))
    key = made.keys.get(uid=first.json()["id"])
    call = caller(made, credential=key)  # its token is its first use
    answer = call("POST", "self/keys", body_of(new_ec(), made, start="first_use"))
    assert made.keys.get(uid=answer.json()["id"]).takes_over_from == key
    key.refresh_from_db()
    added.refresh_from_db()
    assert (key.state(timezone.now()), added.state(timezone.now())) == (Key.State.ACTIVE, Key.State.RETIRED)


def test_a_label_is_given_and_changed(call, made):
    answer = call("POST", "self/keys", body_of(new_ec(), made, label="Ghent"))
    path = f"self/keys/{answer.json()['id']}"
    assert answer.json()["label"] == "Ghent"
    changed = call("PATCH", path, {"label": ""}, **{"If-Match": answer["ETag"]})
    assert (changed.status_code, changed.json()["label"]) == (200, "")
    assert Entry.objects.get(action="credential.labelled").changes["label"] == ["Ghent", None]
    assert call("PATCH", path, {"label": "x"}, **{"If-Match": answer["ETag"]}).status_code == 412
    made_secret = call("POST", "self/secret", {"overlap": 0, "label": "Ghent"})
    assert made.secrets.get(uid=made_secret.json()["id"]).label == "Ghent"


@pytest.mark.parametrize("label", ["x" * 61, "a\nb", "\x00", "\x85"])
def test_a_label_is_a_short_line(call, made, label):
    answer = call("POST", "self/keys", body_of(new_ec(), made, label=label))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "label")


def test_several_keys_in_use_and_a_token_of_a_secret_leave_the_previous_one_unclear(call, made, added):
    keys.add(client=made, key=public_key(), by=by(lotte()), now=timezone.now())
    answer = call("POST", "self/keys", body_of(new_ec(), made, previous="retire"))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "previous")
    assert made.keys.count() == 2


# --- The proof --------------------------------------------------------------------------------------------------------

WRONG = {
    "form": lambda private, _id: "x.y.z",
    "typ": lambda private, client_id: proof(private, client_id, header={"typ": "JWT"}),
    "aud": lambda private, client_id: proof(private, client_id, aud=[ISSUER]),
    "sub": lambda private, client_id: proof(private, "another"),
    "iat": lambda private, client_id: proof(private, client_id, iat=int(timezone.now().timestamp()) - 301),
    "jti": lambda private, client_id: proof(private, client_id, jti=None),
    "signature": lambda private, client_id: proof(new_ec(), client_id),
}


@pytest.mark.parametrize("problem", WRONG)
def test_a_proof_that_does_not_fit_adds_nothing(call, made, problem):
    private = new_ec()
    answer = call("POST", "self/keys", body_of(private, made, proof=WRONG[problem](private, made.client_id)))
    assert (answer.status_code, answer.json()["code"]) == (422, "proof_invalid")
    assert answer.json()["facts"] == {"problem": problem}
    assert not made.keys.exists()
    assert not UsedAssertion.objects.exists()


@pytest.mark.parametrize("seconds", [-299, 59])
def test_a_proof_may_be_five_minutes_old_and_a_minute_ahead(call, made, seconds):
    private = new_ec()
    given = proof(private, made.client_id, iat=int(timezone.now().timestamp()) + seconds)
    assert call("POST", "self/keys", body_of(private, made, proof=given)).status_code == 201


def test_the_kid_of_the_header_is_no_matter_and_a_jti_is_spent_once(call, made):
    first, second = new_ec(), new_ec()
    given = proof(first, made.client_id, jti="once", header={"kid": "of another"})
    assert call("POST", "self/keys", body_of(first, made, proof=given)).status_code == 201
    again = call("POST", "self/keys", body_of(second, made, proof=proof(second, made.client_id, jti="once")))
    assert (again.status_code, again.json()["facts"]) == (422, {"problem": "jti"})
    assert made.keys.count() == 1


def test_without_a_proof_it_is_asked_for(call, made):
    answer = call("POST", "self/keys", {"jwk": jwk_of(new_ec())})
    assert (answer.status_code, answer.json()["code"]) == (422, "proof_missing")


def test_a_private_key_is_not_kept_and_the_contacts_are_mailed(call, made):
    private = new_ec()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    answer = call("POST", "self/keys", {"jwk": ECKey.import_key(pem).as_dict(private=True), "proof": "x"})
    assert (answer.status_code, answer.json()["code"]) == (422, "private_key_material")
    assert Mail.objects.filter(kind="private_key_received").count() == 1
    assert str(ECKey.import_key(pem).as_dict(private=True)["d"]) not in answer.text


FIELDS = {
    "label": {"label": "x" * 61},
    "start": {"start": "later"},
    "overlap": {"overlap": 30 * 24 * 3600 + 1},
    "jwk": {"certificate": "-----BEGIN"},
}


@pytest.mark.parametrize("field", FIELDS)
def test_each_field_that_is_wrong_is_named(call, made, field):
    answer = call("POST", "self/keys", body_of(new_ec(), made, **FIELDS[field]))
    assert (answer.status_code, answer.json()["code"]) == (422, "fields_invalid")
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(
    ("sent", "headers", "status", "code"),
    [
        (b"{", {}, 400, "broken_json"),
        (b'{"a": NaN}', {}, 400, "broken_json"),
        (b"\xff", {}, 400, "broken_json"),
        (b"a=1", {"content_type": "application/x-www-form-urlencoded"}, 415, "not_json"),
        (b"[]", {}, 422, "fields_invalid"),
    ],
)
def test_what_is_no_json_object_is_refused(call, sent, headers, status, code):
    answer = call("POST", "self/keys", sent, **headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


# --- Retiring ---------------------------------------------------------------------------------------------------------


def test_a_key_is_retired_now_or_after_an_overlap(call, made, added):
    path = f"self/keys/{added.uid}"
    tag = call("GET", path)["ETag"]
    assert call("DELETE", path).json()["code"] == "if_match_missing"
    assert call("DELETE", f"{path}?overlap=3600", **{"If-Match": tag}).status_code == 204
    added.refresh_from_db()
    assert added.state(timezone.now()) == Key.State.RETIRING
    assert call("DELETE", path, **{"If-Match": tag}).json()["code"] == "changed_meanwhile"
    assert call("DELETE", path, **{"If-Match": call("GET", path)["ETag"]}).status_code == 204
    assert call("GET", path).json()["state"] == "retired"


def test_the_last_way_in_stays(made, added):
    Client.objects.filter(pk=made.pk).update(secret_allowed=False)
    call, path = caller(made, credential=added), f"self/keys/{added.uid}"
    answer = call("DELETE", path, **{"If-Match": call("GET", path)["ETag"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "last_way_in")


def test_another_clients_key_is_not_found(call, made):
    other, _secret = factories.client()
    theirs = keys.add(client=other, key=public_key(), by=by(lotte()), now=timezone.now())
    for method, body in (("GET", None), ("PATCH", {"active": True}), ("DELETE", None)):
        answer = call(method, f"self/keys/{theirs.uid}", body, **{"If-Match": '"x"'})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_paused_client_adds_and_activates_nothing_and_may_still_retire(call, made, added):
    staged = keys.add(client=made, key=public_key(), by=by(lotte()), now=timezone.now(), active=False)
    Client.objects.filter(pk=made.pk).update(self_service="paused")
    refused = call("POST", "self/keys", body_of(new_ec(), made))
    assert (refused.status_code, refused.json()["code"]) == (403, "self_service_off")
    path = f"self/keys/{staged.uid}"
    tag = call("GET", path)["ETag"]
    assert call("PATCH", path, {"active": True}, **{"If-Match": tag}).json()["code"] == "self_service_off"
    assert call("DELETE", path, **{"If-Match": tag}).status_code == 204
