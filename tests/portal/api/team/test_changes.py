"""API M-14: the change log as a SIEM follows it."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from audit import canonical, checkpoints, log, verification
from audit.actions import Action
from audit.models import Entry
from clients.acts import lifecycle
from tests.support import factories
from tests.support.factories import by, noor

pytestmark = pytest.mark.django_db
JSON_LINES = {"Accept": "application/jsonl"}


@pytest.fixture
def call(calls):
    return calls("keydesk.changes.read")


def read(call, **query):
    answer = call("GET", "changes?" + "&".join(f"{name}={value}" for name, value in query.items()))
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_entries_come_in_order_after_the_last_known_one(call, made):
    lifecycle.suspend(client=made, reason="Case 4711", by=by(noor()), now=timezone.now())
    whole = read(call)
    assert [entry["seq"] for entry in whole["items"]] == list(range(1, Entry.objects.count() + 1))
    assert (whole["next"], whole["more"], whole["checkpoint"]) == (Entry.objects.count(), False, None)
    (last,) = read(call, since=whole["next"] - 1)["items"]
    entry = Entry.objects.first()
    assert last == {
        "seq": entry.seq,
        "at": canonical.moment(entry.at),
        "actor": {"id": noor().audit_id, "label": noor().audit_label},
        "action": "client.suspended",
        "subject": {"id": made.audit_id, "label": made.audit_label},
        "client": str(made.uid),
        "changes": {"status": ["active", "suspended"]},
        "note": "Case 4711",
        "address": "192.0.2.7",
        "request_id": "test",
        "hash": bytes(entry.leaf_hash).hex(),
    }
    assert read(call, since=whole["next"]) == {"items": [], "next": whole["next"], "more": False, "checkpoint": None}


def test_pages_follow_each_other_without_a_gap(call, made):
    since, found = 0, []
    while True:
        page = read(call, since=since, limit=2)
        found += [entry["seq"] for entry in page["items"]]
        since = page["next"]
        if not page["more"]:
            break
    assert found == list(range(1, Entry.objects.count() + 1))


def test_what_was_fetched_is_proven_by_the_checkpoint_and_a_change_is_found(call, made):
    signed = checkpoints.sign_checkpoint(timezone.now())
    answer = call("GET", "changes", **JSON_LINES)
    assert answer["Content-Type"] == "application/jsonl"
    *lines, last = answer.content.splitlines()
    assert json.loads(last)["checkpoint"]["note"] == signed.note
    assert json.loads(last)["checkpoint"]["size"] == len(lines)

    def verified(content):
        entries = (canonical.parse_line(line) for line in content)
        return verification.verify(entries, [json.loads(last)["checkpoint"]["note"]], checkpoints.verifier_keys())

    assert verified(lines).proven
    altered = [lines[0].replace(b'"note":""', b'"note":"x"'), *lines[1:]]
    assert verified(altered).problem == verification.Problem.CHANGED
    assert verified(lines[1:]).problem == verification.Problem.MISSING


def test_the_newest_checkpoint_is_told_also_before_the_entries_that_it_is_about(call, made):
    checkpoints.sign_checkpoint(timezone.now())
    factories.client()
    newest = checkpoints.sign_checkpoint(timezone.now())
    told = read(call, limit=1)
    assert (told["checkpoint"]["note"], told["checkpoint"]["size"]) == (newest.note, newest.size)
    assert (told["next"], told["more"]) == (1, True)


def test_reading_the_change_log_leaves_no_entry(call):
    before = Entry.objects.count()
    read(call)
    assert Entry.objects.count() == before


@pytest.mark.parametrize(
    ("query", "field"),
    [("since=-1", "since"), ("since=x", "since"), ("limit=101", "limit"), ("wait=26", "wait"), ("after=1", "after"),
     ("since=9223372036854775808", "since")],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(call, query, field):
    answer = call("GET", f"changes?{query}")
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])


def test_a_note_in_any_script_stays_what_was_signed(call, made):
    entry = log.record(action=Action.LOG_EXPORTED, actor=by(noor()), subject=log.SITE, note="Żółć\n— “x” \u202e")
    (line, _last) = call("GET", f"changes?since={entry.seq - 1}", **JSON_LINES).content.splitlines()
    assert canonical.leaf_hash(canonical.parse_line(line)) == bytes(entry.leaf_hash)
