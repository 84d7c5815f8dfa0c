"""`export_log --ocsf`: events with what the framework requires of their class."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from audit.actions import Action
from audit.management import ocsf

DOCUMENT = (Path(__file__).parents[3] / "docs" / "ocsf.md").read_text()
# Of the schema, version 1.3.0: the activities of each class, and the attribute that it requires beside those of all.
ACTIVITIES = {3001: {*range(10), 99}, 3002: {*range(8), 99}, 3004: {*range(10), 99}}
REQUIRED = {3001: "user", 3002: "user", 3004: "entity"}
OF_ALL = {"activity_id", "category_uid", "class_uid", "type_uid", "time", "severity_id", "metadata"}


def entry(action: str, **changes):
    return {
        "seq": 7, "at": "2026-12-01T10:00:00.250000Z", "action": action, "actor_id": "user:3", "actor_label": "Noor",
        "subject_id": "client:12", "subject_label": "Facturen", "client_ref": "12", "changes": {}, "note": "",
        "address": "192.0.2.7", "request_id": "r", "leaf_hash": "ab", **changes,
    }  # fmt: skip


@pytest.mark.parametrize("action", Action.values)
def test_each_action_is_an_event_with_what_its_class_requires(action):
    event = ocsf.event(entry(action))
    assert event.keys() >= OF_ALL | {REQUIRED[event["class_uid"]]}
    assert event["activity_id"] in ACTIVITIES[event["class_uid"]]
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
    assert event["metadata"].keys() >= {"version", "product"}
    assert ("activity_name" in event) == (event["activity_id"] == ocsf.OTHER)


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
