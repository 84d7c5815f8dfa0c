"""The change log: read, filter and export it."""

from collections.abc import Iterator
from urllib.parse import urlencode

from django.db import transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from audit import log
from audit.actions import Action
from audit.canonical import COLUMNS, moment
from audit.models import Checkpoint, Entry, EntryQuerySet, LogHead, Verification
from audit.verification import Report
from clients.models import Client
from foundation.secret_format import without_secrets
from portal.guards.access import actor, log_readers
from portal.pages.auditor.decided_requests import DECISIONS
from portal.pages.auditor.log_forms import LogFilterForm
from portal.ui import log_entries
from portal.web import csv_download
from portal.web.http_request import Request, is_uuid

PAGE_SIZE = 50  # entries
PRINT_PAGE_SIZE = 500  # entries on a page for printing, unfolded
MAX_COUNTED_MATCHES = 1000  # counting a million entries would take longer than the page


@log_readers
@require_safe
def change_log(request: Request) -> HttpResponse:
    form = LogFilterForm(request.GET)
    matching = form.entries()
    unfolded = {"unfolded": "1"} if request.GET.get("unfolded") else {}
    shown, newer, older = log_entries.page_of(matching, request.GET, PRINT_PAGE_SIZE if unfolded else PAGE_SIZE)
    query, same = urlencode(form.active()), urlencode({**form.active(), **unfolded})
    verified = Verification.objects.exclude(finished_at=None).first()
    context = {
        "form": form,
        "entries": log_entries.rows_with_clients(shown),
        "newer_url": f"?{same}&after={shown[0].seq}" if newer else "",
        "older_url": f"?{same}&before={shown[-1].seq}" if older else "",
        "unfolded": bool(unfolded),
        "fold_url": "?" + urlencode(form.active() if unfolded else {**form.active(), "unfolded": "1"}),
        "matches": matching[: MAX_COUNTED_MATCHES + 1].count(),
        "counted": MAX_COUNTED_MATCHES,
        "total": LogHead.objects.values_list("size", flat=True).get(),
        "checkpoint": Checkpoint.objects.last(),
        "verified": verified,
        "verified_state": _state(verified.result) if verified else "",
        "chips": form.chips(),
        "export_url": f"{reverse('auditor:log_export')}?{query}",
        "package_url": f"{reverse('auditor:make_package')}?{query}",
    }
    return render(request, "auditor/change_log.html", context, status=422 if form.errors else 200)


def _state(report: Report | None) -> str:
    """Return the state of the tag about the last verification."""
    if report is None or not report.ok:
        return "bad"
    return "ok" if report.proven else "warn"


@log_readers
@require_safe
def log_entry(request: Request, seq: int) -> HttpResponse:
    entry = get_object_or_404(Entry, seq=seq)
    client = Client.objects.filter(uid=entry.client_ref).first() if is_uuid(entry.client_ref) else None
    asked = entry.subject_id.removeprefix("registration:")
    decided = Entry.objects.about(entry.subject_id).with_action(*DECISIONS).exists() and is_uuid(asked)
    context = {
        "entry": entry, "row": log_entries.row(entry), "client_uid": client and client.uid,
        "decided_uid": decided and asked,
    }  # fmt: skip
    return render(request, "auditor/log_entry.html", context)


@log_readers
@require_http_methods(["GET", "HEAD", "POST"])
def log_export(request: Request) -> HttpResponseBase:
    """Export the filtered entries up to the entry about the export, oldest first."""
    form = LogFilterForm(request.GET)
    if request.method != "POST" or not form.is_valid():  # the page tells what is wrong
        return redirect(f"{reverse('auditor:change_log')}?{request.GET.urlencode()}")
    with transaction.atomic():
        changes = {"filters": (None, without_secrets(urlencode(form.active())) or None)}
        own = log.record(action=Action.LOG_EXPORTED, actor=actor(request), subject=log.SITE, changes=changes)
    entries = form.entries().before(own.seq).order_by("seq")
    name = csv_download.selection_file_name(request.now) if form.active() else csv_download.log_file_name(request.now)
    if request.POST.get("format") == "jsonl":
        return csv_download.download(log.export(entries), name=f"{name}.jsonl", kind="application/jsonl")
    return csv_download.response(_as_table(entries), name=f"{name}.csv")


def _as_table(entries: EntryQuerySet) -> Iterator[list[object]]:
    yield [*COLUMNS, "sentence", "leaf_hash"]
    for entry in entries.iterator(chunk_size=2000):
        differences = "; ".join(
            f"{item['field']}: {item['before']} → {item['after']}" for item in log_entries.differences(entry)
        )
        columns = [entry.seq, moment(entry.at), *(getattr(entry, name) for name in COLUMNS[2:])]
        columns[COLUMNS.index("changes")] = differences
        yield [*columns, log_entries.sentence(entry), bytes(entry.leaf_hash).hex()]
