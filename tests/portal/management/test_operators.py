"""The operator of a command: every command that changes something takes --by, and its entry names them."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command, find_commands, load_command_class

from audit.actions import Action
from audit.models import Entry
from tests.portal.management.running import refused, run
from tests.support import factories

READING = {"check_key", "verify_log"}  # they change nothing
OF_DJANGO = {"migrate"}  # the schema, which no entry is about


def commands() -> list[tuple[str, str]]:
    """Return every command of ours that changes something, with its package."""
    found = [(app, name) for app in ("portal", "audit") for name in find_commands(folder(app))]
    return [(app, name) for app, name in found if name not in READING | OF_DJANGO]


def folder(app: str) -> str:
    return str(Path(apps.get_app_config(app).path) / "management")


@pytest.mark.parametrize(("app", "name"), commands())
def test_every_command_that_changes_something_says_who_gave_it(app, name) -> None:
    parser = load_command_class(app, name).create_parser("manage.py", name)
    assert any("--by" in action.option_strings for action in parser._actions)


@pytest.mark.django_db
def test_the_operator_is_named_in_the_entry(tmp_path: Path) -> None:
    call_command("export_log", str(tmp_path), "--by", "Piet Maes")
    call_command("export_log", str(tmp_path))
    by_default, named = Entry.objects.with_action(Action.LOG_EXPORTED)
    assert (named.actor_label, named.actor_id) == ("command line, Piet Maes", "system:command line")
    assert by_default.actor_label == f"command line, {getpass.getuser()}"
    client, _secret = factories.client()
    run("suspend_client", client.client_id, "--reason", "Leaked", "--by", "Piet Maes")
    assert Entry.objects.latest("seq").actor_label == "command line, Piet Maes"


@pytest.mark.django_db
def test_an_operator_who_would_disguise_themselves_is_refused() -> None:
    client, _secret = factories.client()
    assert refused("suspend_client", client.client_id, "--reason", "Leaked", "--by", "Piet\u202e").startswith("by: ")
    assert not Entry.objects.with_action(Action.CLIENT_SUSPENDED).exists()
