"""Reports for auditors: a table on the page, or all of it as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db import transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from audit import log
from audit.actions import Action
from clients.models import Scope
from foundation.secret_format import without_secrets
from portal.forms.fields import BoundedText, day_field
from portal.forms.filters import FilterForm, no_credential
from portal.guards.access import actor, log_readers
from portal.pages.auditor.report_kinds import REPORTS, Asked, Report, Row
from portal.web import csv_download
from portal.web.http_request import Request

MAX_SHOWN = 200  # rows on the page; the CSV file has all


class ReportForm(FilterForm):
    report = forms.ChoiceField(
        label=gettext_lazy("Report"), choices=[(name, report.title) for name, report in REPORTS.items()]
    )
    since = day_field(gettext_lazy("From"))
    until = day_field(gettext_lazy("To"))
    scope = BoundedText(
        label=gettext_lazy("Scope"), required=False, max_length=100, validators=[no_credential],
        help_text=gettext_lazy("For the holders of a scope: its exact name"),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("since") and data.get("until") and data["since"] > data["until"]:
            self.add_error("until", _("This day is before the first one."))
        if data.get("report") == "holders" and not Scope.objects.filter(name=data.get("scope") or "").exists():
            self.add_error("scope", _("Type the exact name of a scope."))
        return data

    @property
    def kind(self) -> Report:
        return REPORTS[self.cleaned_data["report"]]

    def rows(self) -> Iterator[Row]:
        data, zone = self.cleaned_data, timezone.get_current_timezone()
        start = datetime.combine(data["since"], time.min, zone) if data["since"] else None
        end = datetime.combine(data["until"] + timedelta(days=1), time.min, zone) if data["until"] else None
        return iter(self.kind.rows(Asked(start, end, data["scope"])))


@log_readers
@require_safe
def reports(request: Request) -> HttpResponse:
    """Show the report asked for, and before that what there is."""
    form = ReportForm(request.GET if "report" in request.GET else None)
    context: dict[str, Any] = {"form": form, "kinds": REPORTS, "limit": MAX_SHOWN}
    if form.is_valid():
        rows = list(islice(form.rows(), MAX_SHOWN + 1))
        export = f"{reverse('auditor:report_export')}?{urlencode(form.active())}"
        shown = [list(zip(form.kind.columns, row, strict=True)) for row in rows[:MAX_SHOWN]]
        context |= {"kind": form.kind, "rows": shown, "more": len(rows) > MAX_SHOWN, "export_url": export}
    return render(request, "auditor/reports.html", context, status=422 if form.errors else 200)


@log_readers
@require_http_methods(["GET", "HEAD", "POST"])
def report_export(request: Request) -> HttpResponseBase:
    """Export the whole report; that is an entry of the change log."""
    form = ReportForm(request.GET)
    if request.method != "POST" or not form.is_valid():  # the page tells what is wrong
        return redirect(f"{reverse('auditor:reports')}?{request.GET.urlencode()}")
    with transaction.atomic():
        changes = {"filters": (None, without_secrets(urlencode(form.active())))}
        log.record(action=Action.LOG_EXPORTED, actor=actor(request), subject=log.SITE, changes=changes)
    name = f"report-{form.cleaned_data['report']}-{request.now:%Y-%m-%d}.csv"
    return csv_download.response(_lines(form), name=name)


def _lines(form: ReportForm) -> Iterator[list[str]]:
    yield [str(column) for column in form.kind.columns]
    yield from form.rows()
