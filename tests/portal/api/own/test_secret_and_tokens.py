"""API M-10 to M-12: the client's secret, its tokens, its refusals, the dry run, and the pause after an incident."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from audit.models import Entry
from clients.acts import lifecycle
from clients.acts.credentials import keys
from clients.models import Client, Mail, Secret
from tests.portal.api.support.callers import caller, token_for
from tests.support import factories
from tests.support.factories import by, noor
from tests.support.keys import public_key
from tokens.acts import incident
from tokens.models import Token

pytestmark = pytest.mark.django_db


def test_a_new_secret_is_shown_once_and_the_old_one_works_on(call, made):
    old = made.secrets.get()
    answer = call("POST", "self/secret", {"overlap": 3600})
    assert answer.status_code == 201, answer.text
    old.refresh_from_db()
    new = made.secrets.current().get()
    assert (answer.json()["id"], answer.json()["secret"][-4:]) == (str(new.uid), new.hint)
    ends_at = datetime.fromisoformat(answer.json()["previous_ends_at"])
    assert abs(ends_at - old.ends_at) < timedelta(milliseconds=1)
    assert old.state(timezone.now()) == Secret.State.RETIRING
    assert answer.json()["secret"] not in call("GET", "self").text
    assert Entry.objects.get(action="secret.regenerated").actor_id == f"client:{made.uid}"


def test_a_paused_client_makes_no_secret(call, made):
    Client.objects.filter(pk=made.pk).update(self_service="paused")
    answer = call("POST", "self/secret", {"overlap": 0})
    assert (answer.status_code, answer.json()["code"]) == (403, "self_service_off")
    assert made.secrets.count() == 1


def test_all_tokens_end_and_the_one_that_asked_too(call, made):
    assert call("POST", "self/tokens/invalidate", {}).status_code == 204
    assert call("GET", "self").status_code == 401
    assert Entry.objects.get(action="client.tokens_invalidated").actor_id == f"client:{made.uid}"


def test_the_tokens_of_one_credential_end(call, made):
    key = keys.add(client=made, key=public_key(), by=by(factories.lotte()), now=timezone.now())
    token_for(made, key)
    assert call("POST", "self/tokens/invalidate", {"credential": str(key.uid)}).status_code == 204
    assert call("GET", "self").status_code == 200
    assert Token.objects.filter(credential=key.credential, revoked_at=None).count() == 0
    again = call("POST", "self/tokens/invalidate", {"credential": str(key.uid)})
    assert (again.status_code, again.json()["code"]) == (409, "no_valid_tokens")
    other, _secret = factories.client()
    unknown = call("POST", "self/tokens/invalidate", {"credential": str(other.secrets.get().uid)})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


def test_refusals_come_in_pages_with_codes_facts_and_fixes(call, made):
    other, _secret = factories.client()
    factories.refused(other, at=timezone.now())
    for _ in range(3):
        factories.refused(made, "audience", at=timezone.now(), facts={"sent": "x", "expected": ["y"]})
    first = call("GET", "self/refusals?limit=2").json()
    rest = call("GET", f"self/refusals?limit=2&cursor={first['next']}").json()
    assert [len(first["items"]), len(rest["items"]), rest["next"]] == [2, 1, None]
    assert (first["items"][0]["code"], first["items"][0]["facts"]["sent"]) == ("audience", "x")
    assert first["items"][0]["fix"]


@pytest.mark.parametrize("query", ["limit=101", "limit=0", "cursor=x", "state=fixed"])
def test_what_no_page_of_a_list_has_is_refused(call, query):
    answer = call("GET", f"self/refusals?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "fields_invalid")


def test_an_assertion_is_checked_with_all_findings_and_not_spent(call):
    answer = call("POST", "self/assertions/check", {"client_assertion": "x.y"})
    assert answer.status_code == 200
    assert answer.json()["accepted"] is False
    assert [finding["code"] for finding in answer.json()["findings"]] == ["assertion_form"]


# --- After an incident (M-12) -----------------------------------------------------------------------------------------


def test_a_leaked_secret_pauses_the_client_until_a_person_turns_it_on(made):
    now = timezone.now()
    leak = incident.Leak(made.secrets.get())
    incident.revoke(leak=leak, by=by(noor()), now=now, reason="Found in a repository")
    made.refresh_from_db()
    assert made.self_service == "paused"
    assert Entry.objects.get(action="incident.revoked").changes["self_service"] == ["on", "paused"]
    settings = {name: getattr(made, name) for name in Client.SETTINGS} | {"self_service": "on"}
    lifecycle.change_settings(client=made, settings=settings, reason="Repaired", by=by(noor()), now=now)
    assert Client.objects.get(pk=made.pk).self_service == "on"


def test_a_leaked_token_leaves_it_on_and_off_stays_off(made):
    caller(made)
    now = timezone.now()
    incident.revoke(leak=incident.Leak(Token.objects.get()), by=by(noor()), now=now, reason="Leaked")
    assert Client.objects.get(pk=made.pk).self_service == "on"
    Client.objects.filter(pk=made.pk).update(self_service="off")
    made.refresh_from_db()
    incident.revoke(leak=incident.Leak(made.secrets.get()), by=by(noor()), now=now, reason="Leaked")
    assert Client.objects.get(pk=made.pk).self_service == "off"


def test_a_mail_about_the_clients_own_act_names_it_and_its_network(call, made):
    call("POST", "self/secret", {"overlap": int(timedelta(hours=1).total_seconds())})
    facts = Mail.objects.latest("created_at").facts
    assert facts["network"] == "127.0.0.0/24"
    assert made.client_id in facts["by"]
    assert "team" not in facts
