"""Evidence packages: make one of the entries that the filters of the change log show, and download it."""

from __future__ import annotations

import secrets
from typing import Any

from django import forms
from django.db import transaction
from django.http import Http404, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit import checkpoints, log
from audit.actions import Action
from audit.models import Checkpoint, Entry, Package
from audit.packages import making, writing
from foundation.secret_format import without_secrets
from portal.forms.fields import Line, no_secret
from portal.guards.access import actor, log_readers
from portal.pages.auditor.log_forms import LogFilterForm
from portal.ui import log_entries
from portal.web import csv_download
from portal.web.http_request import Request

MAX_SHOWN = 50  # entries on the page of a package
MAX_ON_COVER = 1_000  # entries
MAX_EARLIER = 10


class PackageForm(forms.Form):
    size = forms.IntegerField(
        label=gettext_lazy("Sample of how many entries"), required=False, min_value=1, max_value=making.MAX_ENTRIES,
        help_text=gettext_lazy("Leave empty for all entries. The same seed draws the same sample."),
    )  # fmt: skip
    seed = Line(
        label=gettext_lazy("Seed of the sample"), required=False, max_length=60, is_name=False, validators=[no_secret]
    )
    purpose = Line(
        label=gettext_lazy("For whom, and why"), max_length=200, is_name=False, validators=[no_secret],
        help_text=gettext_lazy("Printed on the cover and kept in the change log."),
    )  # fmt: skip

    def sample(self) -> making.Sample | None:
        """Return the sample to draw; None for all entries."""
        size = self.cleaned_data["size"]
        return making.Sample(size, self.cleaned_data["seed"] or new_seed()) if size else None


def new_seed() -> str:
    return secrets.token_hex(4)


@log_readers
@require_http_methods(["GET", "HEAD", "POST"])
def make_package(request: Request) -> HttpResponse:
    """Make a package of the entries that the filters in the address show."""
    filters = LogFilterForm(request.GET)
    form = PackageForm(request.POST if request.method == "POST" else None, initial={"seed": new_seed()})
    if request.method == "POST" and filters.is_valid() and form.is_valid():
        try:
            made = _make(request, filters, form)
        except making.SelectionRefused as refused:
            form.add_error(None, _too_few_or_many(refused))
        else:
            return redirect("auditor:package", made.pk)
    found = filters.entries()[: making.MAX_ENTRIES + 1].count()
    context = {
        "form": form,
        "filters": filters,
        "chips": filters.chips(),
        "found": found,
        "limit": making.MAX_ENTRIES,
        "people": _people(filters) if 0 < found <= making.MAX_ENTRIES else 0,
        "earlier": Package.objects.select_related("entry")[:MAX_EARLIER],
        "query": request.GET.urlencode(),
    }
    failed = form.is_bound or not filters.is_valid()
    return render(request, "auditor/make_package.html", context, status=422 if failed else 200)


def _people(filters: LogFilterForm) -> int:
    return filters.entries().order_by().values("actor_id").distinct().count()


def _make(request: Request, filters: LogFilterForm, form: PackageForm) -> Package:
    since, _until = filters.period()
    return making.make(
        entries=filters.entries(), filters=without_secrets(_query(filters)), since=since, sample=form.sample(),
        purpose=form.cleaned_data["purpose"], by=actor(request),
    )  # fmt: skip


def _query(filters: LogFilterForm) -> str:
    query = QueryDict(mutable=True)
    query.update(filters.active())
    return query.urlencode()


def _too_few_or_many(refused: making.SelectionRefused) -> str:
    if not refused.found:
        return _("No entry fits these filters.")
    return _("A package holds at most %(n)s entries. Filter more, or export the whole change log.") % {
        "n": f"{making.MAX_ENTRIES:n}"
    }


@log_readers
@require_safe
def package(request: Request, seq: int) -> HttpResponse:
    """Show a package; until its own entry is signed, static/keydesk/progress.js looks again."""
    found = _package(seq)
    shown = Entry.objects.filter(seq__in=found.numbers[-MAX_SHOWN:])
    newest = checkpoints.newest()
    context = {
        **_facts(found),
        "checkpoint": making.signed_by(found),
        "signed_to": newest.size if newest else 0,
        "entries": log_entries.rows_with_clients(list(shown)),
        "more": max(0, len(found.numbers) - MAX_SHOWN),
    }
    return render(request, "auditor/package.html", context)


@log_readers
@require_POST
def download_package(request: Request, seq: int) -> HttpResponseBase:
    """Stream a package, once its own entry is signed; who took it is an entry, too."""
    found = _package(seq)
    checkpoint = making.signed_by(found)
    if checkpoint is None:
        return redirect("auditor:package", seq)
    with transaction.atomic():
        subject = log.StaticSubject(f"package:{seq}", str(seq))
        log.record(action=Action.PACKAGE_DOWNLOADED, actor=actor(request), subject=subject)
    chunks = writing.archive(found, checkpoint, _cover(request, found, checkpoint))
    return csv_download.download(chunks, name=f"{file_name(found)}.zip", kind="application/zip")


def file_name(package: Package) -> str:
    return f"evidence-{package.pk}"


def _package(seq: int) -> Package:
    if seq >= 2**63:
        raise Http404
    return get_object_or_404(Package.objects.select_related("entry"), pk=seq)


def _facts(package: Package) -> dict[str, Any]:
    facts = {name: after for name, _before, after in package.entry.differences}
    return {
        "package": package,
        "entry": package.entry,
        "name": file_name(package),
        "count": len(package.numbers),
        "found": facts.get("found"),
        "seed": facts.get("seed"),
        "selection": facts.get("selection"),
        "filters": [chip["label"] for chip in LogFilterForm(QueryDict(str(facts.get("filters") or ""))).chips()],
        "keys": checkpoints.verifier_keys(),
    }


def _cover(request: Request, package: Package, checkpoint: Checkpoint) -> bytes:
    """Return the page that people read first, in the language of whoever downloads."""
    listed = Entry.objects.filter(seq__in=package.numbers[:MAX_ON_COVER]).order_by("seq")
    context = {
        **_facts(package),
        "first": Checkpoint.objects.filter(size=package.since).first() or checkpoint,
        "checkpoint": checkpoint,
        "rows": log_entries.rows_with_clients(list(listed)),
        "more": max(0, len(package.numbers) - MAX_ON_COVER),
        "command": _command(package),
    }
    return render_to_string("auditor/package_cover.html", context, request).encode()


def _command(package: Package) -> str:
    keys = " ".join(f'--key "{key}"' for key in checkpoints.verifier_keys())
    return f"pip install cryptography\npython audit/offline.py {file_name(package)}.zip {keys}"
