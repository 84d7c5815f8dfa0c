"""The data in a copy of the database, and the rights of production's role."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import ProgrammingError, connection, transaction
from django.test import Client as Browser
from django.urls import reverse

import audit
from audit import checkpoints, log
from audit.models import LogHead
from clients.access import management_links
from foundation.secret_format import digest
from tests.portal.support import staff
from tests.support import factories
from tests.support.factories import lotte, noor
from tests.tokens.support.wire import Clock, basic, process
from tokens.models import Token

pytestmark = pytest.mark.django_db(transaction=True)

ROLES = ("app", "tokens", "signer")
ROLE, SIGNER = "keydesk_app_of_the_tests", "keydesk_signer_of_the_tests"
ROOT = Path(__file__).resolve().parents[2]


def run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture
def production_role() -> Iterator[psycopg.Connection]:
    """A connection of the application's own role, made and limited by the very scripts of production."""
    database = connection.settings_dict["NAME"]
    script = roles_of_production()
    grants = Path(audit.__file__).with_name("grants.sql").read_text().replace(':"app"', ROLE)
    grants = grants.replace(':"signer"', SIGNER)
    run(script)
    # In production the role is older than the tables and has these rights by default.
    run(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {ROLE}")
    run(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {ROLE}", grants)
    given = {
        "host": settings.DATABASES["default"]["HOST"],
        "dbname": database,
        "user": ROLE,
        "password": "of the tests",
    }
    try:
        with psycopg.connect(**given, autocommit=True) as own:
            yield own
    finally:
        drop_roles()


def roles_of_production() -> str:
    """The statements of deploy/compose/create-roles.sh, with names of their own."""
    script = re.search(r"<<'SQL'\n(.*)\nSQL", (ROOT / "deploy/compose/create-roles.sh").read_text(), re.DOTALL)[1]  # type: ignore[index]
    script = script.replace("DATABASE keydesk", f'DATABASE "{connection.settings_dict["NAME"]}"')
    for role in ROLES:
        script = script.replace(f"keydesk_{role}", f"keydesk_{role}_of_the_tests")
    return re.sub(r":'\w*password'", "'of the tests'", script)


def drop_roles() -> None:
    for role in ROLES:
        run(f"DROP OWNED BY keydesk_{role}_of_the_tests", f"DROP ROLE keydesk_{role}_of_the_tests")


def test_the_role_of_production_works_and_cannot_alter_the_change_log(
    production_role: psycopg.Connection,
) -> None:
    factories.client()
    checkpoints.sign_checkpoint(datetime.now(UTC))
    for statement in (
        "UPDATE audit_entry SET note = 'x'",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
        "INSERT INTO audit_checkpoint SELECT * FROM audit_checkpoint",
        "UPDATE audit_checkpoint SET note = 'x'",
        "DELETE FROM audit_checkpoint",
        "DELETE FROM audit_loghead",
        "UPDATE audit_loghead SET size = 0",
        "UPDATE audit_loghead SET last_at = NULL",
        "UPDATE audit_loghead SET id = 1, size = 0",
        "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
        "DROP TRIGGER IF EXISTS append_only ON audit_entry",
        "DROP TABLE audit_entry",
        "CREATE OR REPLACE RULE nothing AS ON INSERT TO audit_entry DO INSTEAD NOTHING",
        "SET session_replication_role = replica",
        "SET ROLE keydesk",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            production_role.execute(statement)  # type: ignore[arg-type]
    with pytest.raises(psycopg.errors.IntegrityError, match="append-only"):
        production_role.execute("UPDATE audit_loghead SET id = 1")  # the one column whose right is what a lock needs
    with acting_as(ROLE):  # and the acts of the product need no more than it has
        factories.client(contact=lotte())
        assert log.verify().ok
    with acting_as(SIGNER):
        signed = checkpoints.sign_checkpoint(datetime.now(UTC))
    assert signed
    assert log.verify().signed == signed.size


@pytest.mark.usefixtures("production_role")
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO audit_entry SELECT * FROM audit_entry", "UPDATE audit_loghead SET id = 1",
        "DELETE FROM audit_checkpoint", "SELECT * FROM clients_client", "SELECT * FROM django_session",
    ],
)  # fmt: skip
def test_the_role_that_signs_can_do_nothing_else(statement: str) -> None:
    with acting_as(SIGNER), pytest.raises(ProgrammingError, match="permission denied"):
        run(statement)


@contextmanager
def acting_as(role: str) -> Iterator[None]:
    run(f"SET ROLE {role}")
    try:
        yield
    finally:
        run("RESET ROLE")


@pytest.mark.parametrize("function", ["pg_temp.move", "public.audit_append"])
def test_a_trigger_of_a_temporary_table_does_not_move_the_head(
    production_role: psycopg.Connection, function: str
) -> None:
    """From within a trigger the head may be moved: from the log's own, and not from one that the role made itself."""
    factories.client()
    head = LogHead.objects.values().get()
    attack = f"""
        CREATE TEMPORARY TABLE own (seq bigint, at timestamptz);
        CREATE FUNCTION pg_temp.move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            UPDATE public.audit_loghead SET size = size + 5, last_at = '2099-01-01';
            RETURN NEW;
        END $$;
        CREATE TRIGGER own BEFORE INSERT ON own FOR EACH ROW EXECUTE FUNCTION {function}();
        INSERT INTO own VALUES ({head["size"] + 1}, clock_timestamp());
    """
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        production_role.execute(attack.encode())
    assert LogHead.objects.values().get() == head
    factories.client(contact=lotte())
    assert log.verify().ok


def test_an_entry_moves_the_head_of_the_log_and_no_table_of_its_name(
    production_role: psycopg.Connection,
) -> None:
    factories.client()
    size = LogHead.objects.get().size
    production_role.execute("CREATE TEMPORARY TABLE audit_loghead AS TABLE public.audit_loghead")
    production_role.execute(
        "INSERT INTO audit_entry SELECT seq + 1, clock_timestamp(), action, actor_id, actor_label, subject_id,"
        " subject_label, client_ref, changes, note, address, request_id, leaf_hash FROM audit_entry"
        " ORDER BY seq DESC LIMIT 1"
    )
    assert LogHead.objects.get().size == size + 1


def test_what_the_database_holds_does_not_authenticate() -> None:
    """Digests, ciphertexts and hints, in hexadecimal and in base64, presented as the secret or as the token."""
    client, secret = factories.client()
    with process(Clock(datetime.now(UTC).timestamp())) as wire:
        token = wire.token(basic(client.client_id, secret)).json["access_token"]
        kept, row = client.secrets.get(), Token.objects.get()
        stored = [bytes(kept.digest), bytes(kept.ciphertext or b""), bytes(row.digest), kept.hint.encode()]
        for form in [text for value in stored for text in (value.hex(), urlsafe_b64encode(value).decode().rstrip("="))]:
            refused = wire.token(basic(client.client_id, form))
            assert (refused.status, refused.error) == (401, "invalid_client"), form
            assert wire.introspect(form, basic(client.client_id, secret)).json == {"active": False}
        assert wire.introspect(row.jti, basic(client.client_id, secret)).json == {"active": False}
        assert wire.introspect(token, basic(client.client_id, secret)).json["active"]


def test_what_is_stored_of_a_link_opens_nothing() -> None:
    with transaction.atomic():
        link = management_links.issue(user=lotte(), now=datetime.now(UTC))
    management_links.activate(link)
    link.refresh_from_db()
    stored = bytes(link.digest or b"")
    for text in (str(link.uid), link.uid.hex, stored.hex(), urlsafe_b64encode(stored).rstrip(b"=").decode()):
        assert Browser().post(reverse("public:open_link", args=[text])).status_code == 404


def test_a_digest_in_the_field_for_a_leaked_value_finds_nobody() -> None:
    made, secret = factories.client()
    page = staff.signed_in(noor()).post(reverse("security:incident"), {"value": digest(secret).hex()}, follow=True).text
    assert made.client_id not in page
