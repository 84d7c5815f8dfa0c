"""Reading the change log: filters, pages, and the plans they run by."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from audit.actions import Action
from audit.models import Entry

pytestmark = pytest.mark.django_db

PERIOD = (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))


def seqs(entries):
    return [entry.seq for entry in entries]


def test_the_newest_comes_first(write):
    write(3)
    assert seqs(Entry.objects.all()) == [3, 2, 1]


def test_each_filter_leaves_what_it_names(write, zoe, client_12):
    max_, key = type(zoe)(id="user:4", request_id="r-2"), type(client_12)(audit_id="key:1")
    write()
    write(actor=max_)
    write(subject=key, action=Action.KEY_ADDED)
    write(subject=type(client_12)(audit_id="client:13", audit_client="c-13"))
    entries = Entry.objects
    assert seqs(entries.by_actor("user:4")) == [2]
    assert seqs(entries.with_request_id("r-2")) == [2]
    assert seqs(entries.about("key:1")) == [3]
    assert seqs(entries.with_action(Action.KEY_ADDED)) == [3]
    assert seqs(entries.with_action(Action.KEY_ADDED, Action.CLIENT_SUSPENDED)) == [4, 3, 2, 1]
    assert seqs(entries.of_client("c-12")) == [3, 2, 1]
    assert seqs(entries.of_client("c-12", "c-13")) == [4, 3, 2, 1]
    assert seqs(entries.of_client("c-12").by_actor("user:3").with_action(Action.CLIENT_SUSPENDED)) == [1]


def test_a_period_has_its_start_and_not_its_end(write):
    times = [write().at for _ in range(4)]
    entries = Entry.objects
    assert seqs(entries.between(times[1], times[3])) == [3, 2]
    assert seqs(entries.between(times[1], None)) == [4, 3, 2]
    assert seqs(entries.between(None, times[1])) == [1]
    assert seqs(entries.between(None, None)) == [4, 3, 2, 1]
    later = times[3] + timedelta(hours=1)
    assert seqs(entries.between(later, None)) == []
    assert seqs(entries.between(times[0] - timedelta(hours=1), later)) == [4, 3, 2, 1]


def test_pages_go_by_number_so_that_new_entries_do_not_shift_them(write):
    write(6)
    first = Entry.objects.all()[:2]
    assert seqs(first) == [6, 5]
    write(2)
    assert seqs(Entry.objects.before(5)[:2]) == [4, 3]
    assert seqs(Entry.objects.after(4).order_by("seq")[:2]) == [5, 6]


@pytest.mark.parametrize(
    "filtered",
    [
        lambda entries: entries,
        lambda entries: entries.about("client:1"),
        lambda entries: entries.of_client("c-1"),
        lambda entries: entries.by_actor("user:1"),
        lambda entries: entries.with_action("client.created"),
        lambda entries: entries.with_request_id("r-1"),
        lambda entries: entries.from_address("192.0.2.7"),
        lambda entries: entries.between(*PERIOD),
        lambda entries: entries.by_actor("user:1").between(*PERIOD).before(100),
    ],
)
def test_every_filter_is_served_by_an_index(filtered):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    plan = filtered(Entry.objects.all())[:50].explain()
    assert "Index" in plan
    assert "Seq Scan" not in plan
    assert "Sort" not in plan


def test_the_entries_of_several_clients_are_found_by_indexes(write, client_12):
    """With 10^6 entries the whole log was read backwards for the history of a few dozen clients."""
    write(30, subject=replace(client_12, audit_id="client:a", audit_client="a"))
    write(2)
    write(1, subject=replace(client_12, audit_id="registration:r", audit_client=""))
    found = Entry.objects.of_client("c-12", "c-13", subjects=["registration:r"])
    assert seqs(found) == [33, 32, 31]
    assert seqs(found.before(33)) == [32, 31]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute("ANALYZE audit_entry")  # else the plan depends on what an earlier test left to be counted
    plan = Entry.objects.of_client("c-12", "c-13", subjects=["registration:r"])[:51].explain()
    assert "entry_client" in plan
    assert "entry_subject" in plan
