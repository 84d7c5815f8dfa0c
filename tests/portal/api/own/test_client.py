"""API M-8: what a client is told about itself."""

from datetime import timedelta

import pytest
from django.utils import timezone

from clients.acts.credentials import client_secrets, keys
from clients.acts.federation import jwks_uris
from clients.models import Client, PolicyBound, Secret
from tests.support.factories import by, lotte
from tests.support.keys import certificate, public_key
from tokens.models import CredentialUse

pytestmark = pytest.mark.django_db


def test_a_client_reads_itself_with_its_scopes_and_no_secret(call, made):
    answer = call("GET", "self")
    assert answer.status_code == 200
    shown = answer.json()
    assert {name: shown[name] for name in ("uid", "client_id", "organisation", "status", "scopes")} == {
        "uid": str(made.uid),
        "client_id": made.client_id,
        "organisation": "Waterbedrijf Leiestroom",
        "status": "active",
        "scopes": ["address.read", "keydesk.self"],
    }
    (secret,) = shown["credentials"]
    assert secret["type"] == "secret"
    assert secret["label"] == ""
    assert client_secrets.in_clear(made.secrets.get()) not in answer.text
    assert answer["Cache-Control"] == "no-store"


def test_each_credential_has_its_state_its_uses_and_its_live_tokens(call, made):
    now = timezone.now()
    staged = keys.add(client=made, key=public_key(kid="k1"), by=by(lotte()), now=now, active=False)
    ending = keys.add(client=made, key=certificate(days=30), by=by(lotte()), now=now)
    secret = made.secrets.get()
    CredentialUse.objects.create(credential=secret.credential, client=made, last_used_at=now, uses=412)
    shown = {row["id"]: row for row in call("GET", "self").json()["credentials"]}
    assert (shown[str(staged.uid)]["state"], shown[str(staged.uid)]["kid"]) == ("staged", "k1")
    assert shown[str(staged.uid)]["starts_at"] is None
    assert shown[str(ending.uid)]["type"] == "certificate"
    assert (shown[str(secret.uid)]["uses"], shown[str(secret.uid)]["live_tokens"]) == (412, 1)


def test_the_policy_says_what_ends_when_and_why(call, made):
    now = timezone.now()
    Client.objects.filter(pk=made.pk).update(token_lifetime=300, rate_limit=50, self_service="paused")
    old = made.secrets.get()
    client_secrets.regenerate(client=made, replaces=old, overlap=timedelta(hours=1), by=by(lotte()), now=now)
    key = keys.add(client=made, key=certificate(days=30), by=by(lotte()), now=now)
    policy = call("GET", "self").json()["policy"]
    assert (policy["token_lifetime"], policy["rate_limit"], policy["self_service"]) == (300, 50, "paused")
    assert {(end["id"], end["why"]) for end in policy["ends"]} == {
        (str(key.uid), "certificate_expires"),
        (str(old.uid), "replaced"),
        (str(made.secrets.current().get().uid), "max_age"),
    }


def test_the_edit_tag_moves_with_a_change_and_not_with_a_use(call, made):
    before = call("GET", "self")["ETag"]
    CredentialUse.objects.create(
        credential=made.secrets.get().credential, client=made, last_used_at=timezone.now(), uses=1
    )
    assert call("GET", "self")["ETag"] == before
    keys.add(client=made, key=public_key(), by=by(lotte()), now=timezone.now())
    assert call("GET", "self")["ETag"] != before
    assert before.startswith('"')


def test_the_policy_has_the_bounds_of_the_security_team(call, made):
    since = timezone.now()
    for bound, value in (("audience", True), ("assertion_lifetime", 300), ("secrets_off", True)):
        PolicyBound.objects.create(client=made, bound=bound, value=value, in_force_from=since, existing_from=since)
    Secret.objects.filter(client=made).update(expires_at=since + timedelta(days=30))
    policy = call("GET", "self").json()["policy"]
    assert (policy["issuer_audience_only"], policy["assertion_max_lifetime"]) == (True, 300)
    assert policy["secrets_accepted"] is False
    (end,) = policy["ends"]
    assert end["why"] == "policy"


def test_an_address_of_keys_is_a_credential(call, made):
    row = jwks_uris.add(client=made, url="https://keys.example/jwks", by=by(lotte()), now=timezone.now())
    shown = {each["id"]: each for each in call("GET", "self").json()["credentials"]}
    assert (shown[str(row.uid)]["type"], shown[str(row.uid)]["state"]) == ("jwks_uri", "active")
