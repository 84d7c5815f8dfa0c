"""The commands of operators and automation: the same acts, the same log, an answer that programs can read."""

from __future__ import annotations

import json
import os
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import override_settings

from audit.models import Entry
from clients.acts.credentials import keys as key_acts
from clients.models import Api, Client, Key, Scope, Secret, User
from tests.portal.management.running import refused, run
from tests.support import factories, keys
from tests.support.commands import Commands

pytestmark = pytest.mark.django_db


def code_of(*arguments: str) -> str:
    """The code of the same."""
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command(*arguments, "--json", stdout=out)
    return str(json.loads(out.getvalue())["code"])


def create_client(*more: str) -> tuple[str, ...]:
    return ("create_client", "--name", "Meter", "--contact", "lotte@leiestroom.example", *more)


def test_a_client_is_made_with_scopes_defaults_and_a_secret_printed_once() -> None:
    factories.scope("address.read"), factories.scope("parcel.read")
    answer = run(*create_client("--scope", "address.read", "parcel.read", "--default-scope", "parcel.read"))
    client = Client.objects.get(client_id=answer["client_id"])
    assert dict(client.client_scopes.values_list("scope__name", "is_default")) == {
        "address.read": False,
        "parcel.read": True,
    }
    assert client.contacts.get().user.email == "lotte@leiestroom.example"
    assert Secret.objects.get().hint == answer["client_secret"][-4:]
    entry = Entry.objects.first()
    assert (entry.action, entry.actor_id) == ("client.created", "system:command line")


@pytest.mark.parametrize("more", [(), ("--kid", "mine-1")])
def test_a_client_can_come_with_a_certificate_and_a_kid_of_ones_own(tmp_path: Path, more: tuple[str, ...]) -> None:
    factories.scope()
    pem = keys.certificate_pem()
    (tmp_path / "c.pem").write_bytes(pem)
    answer = run(*create_client("--scope", "address.read", "--certificate", str(tmp_path / "c.pem"), *more))
    key = Client.objects.get().keys.get()
    assert key.kid == answer["kid"] == key.jwk["kid"]
    assert (key.kid == "mine-1") is bool(more)
    assert key.kind == "certificate"


def test_a_client_can_come_with_a_jwk(tmp_path: Path) -> None:
    factories.scope()
    (tmp_path / "key.json").write_text(json.dumps(keys.jwk_of(keys.new_ec(), kid="k1")))
    assert run(*create_client("--scope", "address.read", "--jwk", str(tmp_path / "key.json")))["kid"] == "k1"


def test_a_resource_server_serves_an_api_and_gets_no_tokens() -> None:
    factories.api("addresses")
    run(*create_client("--serves-api", "addresses"))
    client = Client.objects.get()
    assert [api.identifier for api in client.serves.all()] == ["addresses"]
    assert not client.may_request_tokens


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ((), "Give the client a scope"),
        (("--scope", "nothing.read"), "Not in the catalogue: nothing.read"),
        (("--scope", "address.read", "--serves-api", "none"), "Not in the catalogue: none"),
        (("--scope", "address.read", "--default-scope", "other"), "must also be a scope: other"),
        (("--scope", "address.read", "--kid", "k"), "--kid needs --jwk or --certificate"),
        (("--scope", "address.read", "--jwk", "/nowhere/key.json"), "No such file"),
        (("--scope", "address.read", "--contact", "nobody"), "valid email"),
        (("--scope", "address.read", "--name", "x" * 200), "at most 120"),
        (("--scope", "address.read", "--name", "Meter\nSubject: x"), "name: Leave out the invisible characters"),
        (("--scope", "address.read", "--organisation", "\u202eretem"), "organisation: Leave out the invisible"),
        (("--scope", "address.read", "--name", "  "), "name: This field cannot be blank"),
        (
            ("--scope", "address.read", "--contact", f"{'x' * 250}@a.example"),
            "email: Ensure this value has at most 254",
        ),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_line_and_leaves_nothing(more: tuple[str, ...], error: str) -> None:
    factories.scope()
    entries = Entry.objects.count()
    message = refused(*create_client(*more))
    assert error in message
    assert "\n" not in message
    assert not Client.objects.exists()
    assert not User.objects.exists()
    assert Entry.objects.count() == entries


@pytest.mark.parametrize("kid", ["", "two\nlines", "\u202edik", "x" * 256])
def test_a_kid_of_ones_own_obeys_the_rule_for_the_kid_of_an_upload(tmp_path: Path, kid: str) -> None:
    factories.scope()
    (tmp_path / "key.json").write_text(json.dumps(keys.jwk_of(keys.new_ec())))
    message = refused(*create_client("--scope", "address.read", "--jwk", str(tmp_path / "key.json"), "--kid", kid))
    assert "The kid cannot be used; it must be text of 1 to 255 printable characters" in message
    assert not Client.objects.exists()


def test_staff_who_would_see_no_client_are_not_made_its_only_contact() -> None:
    factories.scope()
    email = factories.noor().email
    said = refused(*create_client("--scope", "address.read", "--contact", email))
    assert "Staff cannot be contacts of a client" in said
    assert not Client.objects.exists()


def test_a_private_key_is_refused_and_leaves_no_client(tmp_path: Path) -> None:
    factories.scope()
    (tmp_path / "key.json").write_text(json.dumps({**keys.jwk_of(keys.new_ec()), "d": "c2VjcmV0"}))
    message = refused(*create_client("--scope", "address.read", "--jwk", str(tmp_path / "key.json")))
    assert "private" in message
    assert "c2VjcmV0" not in message
    assert not Client.objects.exists()


def test_a_key_that_another_client_proved_is_refused(tmp_path: Path) -> None:
    factories.scope()
    (tmp_path / "key.json").write_text(json.dumps(keys.jwk_of(keys.new_ec())))
    command = create_client("--scope", "address.read", "--jwk", str(tmp_path / "key.json"))
    run(*command)
    Key.objects.update(proven_at=factories.NOW)
    assert "in use elsewhere" in refused(*command)
    assert Client.objects.count() == 1


def test_an_api_and_its_scope_are_made() -> None:
    run("create_api", "parcels", "--name", "Parcels", "--description", "Who owns what")
    run("create_scope", "parcel.read", "--api", "parcels", "--description", "Read parcels", "--sensitive")
    scope = Scope.objects.get(name="parcel.read")
    assert (scope.name, scope.api.name, scope.sensitive) == ("parcel.read", "Parcels", True)
    assert scope.described_in("nl") == "Read parcels"
    assert [entry.action for entry in Entry.objects.all()[:2]] == ["scope.created", "api.created"]
    run("create_scope", "parcel.owner", "--api", "parcels", "--needs-legal-basis")
    assert Scope.objects.get(name="parcel.owner").needs_legal_basis


def test_a_name_that_is_taken_or_malformed_is_refused() -> None:
    factories.scope("address.read")
    assert "already exists" in refused("create_scope", "address.read", "--api", "addresses")
    assert "already exists" in refused("create_api", "addresses", "--name", "Again")
    assert refused("create_scope", "two words", "--api", "addresses")
    assert refused("create_api", "two words", "--name", "X")
    assert "There is no API" in refused("create_scope", "a.read", "--api", "none")
    assert not Api.objects.exclude(identifier__in=["addresses", "keydesk"]).exists()
    assert not Scope.objects.exclude(api__identifier="keydesk").exclude(name="address.read").exists()


def test_a_client_is_suspended_with_a_reason_in_the_log() -> None:
    client, _secret = factories.client()
    assert run("suspend_client", client.client_id, "--reason", "Leaked")["status"] == "suspended"
    assert Entry.objects.first().note == "Leaked"
    assert "Check its status" in refused("suspend_client", client.client_id)
    assert "There is no client" in refused("suspend_client", "nobody", "--reason", "x")


def test_secrets_are_encrypted_anew_with_the_first_key(settings) -> None:
    factories.client()
    old = settings.SECRETS_KEYS
    with override_settings(SECRETS_KEYS={"new": "bmV3LW5ldy1uZXctbmV3LW5ldy1uZXctbmV3LW5ldy0", **old}):
        assert run("reencrypt_secrets") == {"reencrypted": 1}
        assert run("reencrypt_secrets") == {"reencrypted": 0}
        assert Secret.objects.get().sealed_with == "new"
    with override_settings(SECRETS_KEYS={"other": "b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItb3Q"}):
        assert "missing from SECRETS_KEYS" in refused("reencrypt_secrets")


def test_json_has_the_code_of_the_refusal() -> None:
    assert code_of("suspend_client", "nobody") == "no_such_client"
    assert code_of(*create_client("--scope", "nothing.read")) == "not_in_the_catalogue"
    assert code_of(*create_client("--scope", factories.scope().name, "--contact", "nobody")) == "invalid"
    assert code_of("deactivate_staff", "--by", "Piet", factories.lotte().email) == "not_staff"


def test_without_json_the_answer_is_plain_lines() -> None:
    factories.scope()
    out = StringIO()
    call_command(*create_client("--scope", "address.read"), stdout=out)
    assert [line.partition(": ")[0] for line in out.getvalue().splitlines()] == ["client_id", "client_secret"]


def manage(commands: Commands, *arguments: str, database: str = "", **environment: str) -> CompletedProcess[str]:
    """A command as an operator gives it, on the database of the tests or another one beside it."""
    known = connection.settings_dict
    environment["DATABASE_URL"] = f"postgres://{known['USER']}@/{known['HOST']}/{database or known['NAME']}"
    return commands.run(*arguments, env={**os.environ, **environment})


# Faults before a command can begin: its arguments, a setting that cannot be read, one that is missing, a
# database without tables. verify_log says with 1 that the log is damaged, so that must not be taken for it.
BEFORE_IT_BEGINS = {
    "invalid choice": (("invite_staff", "a@b.example", "--by", "P", "--name", "A", "--role", "king"), {}),
    "TOKEN_LIFETIME": (("suspend_client", "x"), {"TOKEN_LIFETIME": "an hour"}),
    "SECRETS_KEYS": (("suspend_client", "x"), {"SECRETS_KEYS": ""}),
    "does not exist": (("suspend_client", "x"), {"database": "postgres"}),
    "LOG_SIGNING_KEYS": (("verify_log",), {"LOG_SIGNING_KEYS": "a:c2hvcnQ"}),
    "TIME_ZONE": (("verify_log",), {"TIME_ZONE": "Mars/Olympus"}),
    "unrecognized": (("verify_log", "--all"), {}),
    "are required": (("check_key",), {}),
}


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("says", BEFORE_IT_BEGINS)
def test_a_mistake_before_a_command_begins_is_status_2_and_no_traceback(
    commands: Commands, says: str, as_json: bool
) -> None:
    arguments, environment = BEFORE_IT_BEGINS[says]
    done = manage(commands, *arguments, *(["--json"] if as_json else []), **environment)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert says in (json.loads(done.stdout)["error"] if as_json else done.stderr)
    assert not as_json or json.loads(done.stdout)["code"] in ("arguments", "database", "settings")


# --- Leaks ------------------------------------------------------------------------------------------------------------


def test_a_leaked_key_and_a_leaked_secret_are_ended_with_a_reason() -> None:
    client, _secret = factories.client()
    key = key_acts.add(client=client, key=keys.certificate(), by=factories.SYSTEM, now=factories.NOW)
    told = ("--client", client.client_id, "--reason", "Seen on a forum, case 9")
    answer = run("retire_key", f"--kid={key.jwk['x5t#S256']}", *told)
    assert answer == {"client_id": client.client_id, "kid": key.kid, "revoked": True, "addresses": []}
    entry = Entry.objects.first()
    assert (entry.action, entry.subject_id, entry.note) == ("incident.revoked", key.audit_id, "Seen on a forum, case 9")
    assert run("end_secret", f"--hint={client.secrets.get().hint}", *told)["revoked"]
    assert not client.secrets.filter(ends_at=None).exists()
    assert Client.objects.get().epoch == client.epoch + 2  # their tokens went, too
    assert "had stopped working already" in refused("retire_key", f"--kid={key.kid}", *told)
    assert "no key" in refused("retire_key", "--kid=-other", *told)  # base64url may begin with a dash
    assert "no secret" in refused("end_secret", "--hint=-zzz", *told)
    assert "There is no client" in refused("end_secret", "--hint", "zzzz", "--client", "x", "--reason", "Because")
    assert "Say why" in refused("retire_key", f"--kid={key.kid}", "--client", client.client_id, "--reason", " ")
