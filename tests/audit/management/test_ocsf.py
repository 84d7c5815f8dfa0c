"""`export_log --ocsf`: events that the framework's own schema accepts."""

from __future__ import annotations

import json
from functools import cache
from io import StringIO
from pathlib import Path

import jsonschema_rs
import pytest
from django.core.management import call_command
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from audit.actions import Action
from audit.management import ocsf

DOCUMENT = (Path(__file__).parents[3] / "docs" / "ocsf.md").read_text()
SCHEMA = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=ocsf.SCHEMA))  # as OCSF publishes it


@cache
def rules(class_uid: int) -> jsonschema_rs.Validator:
    """Return the rules of a class of events, with the profile that events name."""
    name = SCHEMA.lookup_class_name_from_uid(class_uid=class_uid)
    return jsonschema_rs.validator_for(SCHEMA.get_class_schema(class_name=name, profiles=["host"]))


def entry(action: str, **changes):
    return {
        "seq": 7, "at": "2026-12-01T10:00:00.250000Z", "action": action, "actor_id": "user:3", "actor_label": "Noor",
        "subject_id": "client:12", "subject_label": "Facturen", "client_ref": "12", "changes": {}, "note": "",
        "address": "192.0.2.7", "request_id": "r", "leaf_hash": "ab", **changes,
    }  # fmt: skip


@pytest.mark.parametrize("action", Action.values)
@pytest.mark.parametrize(
    "more", [{}, {"address": "", "changes": {"status": ["active", "suspended"]}, "note": "Case 7"}]
)
def test_each_action_is_an_event_by_the_schema_of_its_class(action, more):
    event = ocsf.event(entry(action, **more))
    rules(event["class_uid"]).validate(event)
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    assert ("activity_name" in event) == (event["activity_id"] == ocsf.OTHER)


def test_the_schema_refuses_an_event_without_its_time():
    """The validation finds something, or finding nothing would mean nothing."""
    event = ocsf.event(entry("client.suspended"))
    assert not rules(event["class_uid"]).is_valid({name: value for name, value in event.items() if name != "time"})
    assert not rules(event["class_uid"]).is_valid({**event, "activity_id": 4711})


def test_an_entry_keeps_who_did_what_when_and_from_where():
    event = ocsf.event(entry("client.suspended", changes={"status": ["active", "suspended"]}))
    assert (event["class_uid"], event["activity_id"], event["time"]) == (3004, 9, 1_796_119_200_250)
    assert event["actor"] == {"user": {"uid": "user:3", "name": "Noor"}}
    assert event["entity"] == {"uid": "client:12", "name": "Facturen", "type": "client"}
    assert event["src_endpoint"] == {"ip": "192.0.2.7"}
    assert event["unmapped"]["changes"] == {"status": ["active", "suspended"]}
    assert "src_endpoint" not in ocsf.event(entry("client.suspended", address=""))


def test_a_sign_in_is_an_authentication_and_one_too_many_has_failed():
    assert [ocsf.event(entry(action))["status_id"] for action in ("staff.signed_in", "staff.sign_in_limited")] == [1, 2]
    assert ocsf.event(entry("staff.signed_in"))["user"]["name"] == "Noor"


def test_the_document_names_every_action_and_word_of_the_mapping():
    for action in (*ocsf.AUTHENTICATIONS, *ocsf.ACCOUNT_CHANGES):
        assert f"`{action}`" in DOCUMENT
    rows = {line.split("|")[1]: line for line in DOCUMENT.splitlines() if line.startswith("|")}
    for word, activity in ocsf.VERBS.items():
        assert any(f"({activity})" in first and word in row for first, row in rows.items()), word


@pytest.mark.django_db
def test_the_export_has_as_many_events_as_entries(write, tmp_path):
    write(3)
    call_command("export_log", str(tmp_path), "--ocsf", stdout=StringIO())
    entries = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    events = [json.loads(line) for line in (tmp_path / "ocsf.jsonl").read_text().splitlines()]
    assert [event["metadata"]["uid"] for event in events] == [entry["leaf_hash"] for entry in entries]
    assert len(events) == 4  # the export is an entry, too
