"""Verification of the change log: start, progress and printable result; and the checkpoints, to keep elsewhere."""

from uuid import UUID

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from audit import checkpoints, verification_runs
from audit.models import Checkpoint, LogHead, Verification
from audit.verification import Report
from portal.explanations import verdicts
from portal.guards.access import actor, log_readers
from portal.ui.template_tags import number
from portal.web import csv_download
from portal.web.http_request import Request

MAX_EARLIER_RUNS = 10


@log_readers
@require_http_methods(["GET", "HEAD", "POST"])
def verify_log(request: Request) -> HttpResponse:
    """Start a verification by POST only, because it reads every entry; show the earlier ones."""
    if request.method == "POST":
        started = verification_runs.start(by=actor(request), now=request.now)
        return redirect("auditor:verification", started.pk)
    context = {
        "total": LogHead.objects.values_list("size", flat=True).get(),
        "checkpoint": Checkpoint.objects.last(),
        "earlier": Verification.objects.all()[:MAX_EARLIER_RUNS],
        "keys": checkpoints.verifier_keys(),
        "command": _offline(request),
    }
    return render(request, "auditor/verify.html", context)


def _offline(request: Request) -> str:
    """Return the command that checks this page's files without Keydesk, with the names they get when saved today."""
    keys = " ".join(f'--key "{key}"' for key in checkpoints.verifier_keys())
    exported = f"{csv_download.log_file_name(request.now)}.jsonl"
    return f"pip install cryptography\npython audit/offline.py {exported} checkpoints.txt {keys}"


@log_readers
@require_safe
def verification(request: Request, uid: UUID) -> HttpResponse:
    """Show the progress (polled by static/keydesk/progress.js) or the result, at a lasting address."""
    found = get_object_or_404(Verification, pk=uid)
    report = found.result
    if report is None:
        return render(request, "auditor/verifying.html", {"verification": found})
    context = {
        "verification": found,
        "report": report,
        "sentence": verdicts.verdict(report),
        "same_source": verdicts.SAME_SOURCE,
        "seconds": number_format(max(found.seconds, 0.1), 1),
        "checks": _checks(report),
        "checkpoint": Checkpoint.objects.last(),
    }
    return render(request, "auditor/verification.html", context)


@log_readers
@require_safe
def signed_checkpoints(_request: Request) -> HttpResponseBase:
    """Return every checkpoint so far, in the form of audit/offline.py and `verify_log --checkpoints`."""
    notes = (f"{note}\n".encode() for note in checkpoints.notes())
    return csv_download.download(notes, name="checkpoints.txt", kind="text/plain; charset=utf-8")


def _checks(report: Report) -> list[dict[str, str]]:
    entries = number(report.entries)
    signed = _("%(signed)s of %(entries)s entries") % {"signed": number(report.signed), "entries": entries}
    matching = _("%(intact)s of %(entries)s match") % {"intact": number(report.intact), "entries": entries}
    return [
        {"name": _("Hash of each entry"), "state": "ok", "result": matching, "proves": _("No entry was edited")},
        {"name": _("Numbering"), "state": "ok", "result": _("No gaps"),
         "proves": _("No entry was removed, swapped or put in between")},
        {"name": _("Time order"), "state": "ok", "result": _("Always forward"), "proves": _("No entry was dated back")},
        {"name": _("Signed checkpoints"), "state": "ok" if report.signed else "warn", "result": signed,
         "proves": _("Up to there, the change log was not rewritten as a whole. The next checkpoint covers the rest.")},
    ]  # fmt: skip
