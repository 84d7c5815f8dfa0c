"""Campaigns of recertification: the clients asked about in a year, who confirmed them, and who is late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.paginator import Paginator
from django.db.models import Min, Prefetch
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from clients.acts import exports
from clients.models import ClientContact, Recertification
from clients.models.team.recertification import RecertificationQuerySet
from portal.forms.fields import BoundedText
from portal.forms.filters import FilterForm, no_credential
from portal.guards.access import actor, log_readers
from portal.ui.log_entries import name_of
from portal.web import csv_download
from portal.web.http_request import Request

PAGE_SIZE = 50  # clients
MAX_ORGANISATIONS = 20  # those with most late clients; the CSV file has all
EXPORT_CHUNK = 500
State = Recertification.State
COLOURS = {State.CONFIRMED: "ok", State.DUE: "info", State.LATE: "bad", State.DROPPED: "mute"}


class CampaignForm(FilterForm):
    year = forms.TypedChoiceField(label=gettext_lazy("Asked in"), coerce=int)
    state = forms.ChoiceField(
        label=gettext_lazy("State"), required=False, choices=[("", gettext_lazy("Any")), *State.choices]
    )
    organisation = BoundedText(
        label=gettext_lazy("Organisation"), required=False, max_length=150, validators=[no_credential],
        help_text=gettext_lazy("Its exact name"),
    )  # fmt: skip

    def __init__(self, request: Request) -> None:
        now = timezone.localtime(request.now)
        super().__init__({"year": str(now.year), **request.GET.dict()})
        self.now = request.now
        first = Recertification.objects.aggregate(at=Min("asked_at"))["at"] or now
        years = range(now.year, timezone.localtime(first).year - 1, -1)
        dict[str, Any](self.fields)["year"].choices = [(year, str(year)) for year in years]

    @property
    def campaign(self) -> RecertificationQuerySet:
        return Recertification.objects.asked_in(self.cleaned_data["year"])

    @property
    def chosen(self) -> RecertificationQuerySet:
        """Return the questions that fit all filters, the newest first."""
        found, data = self.campaign.order_by("-asked_at", "-pk"), self.cleaned_data
        if data["state"]:
            found = found.in_state(State(data["state"]), self.now)
        if data["organisation"]:
            found = found.filter(client__organisation=data["organisation"])
        return found

    def url(self, **other: str) -> str:
        """Return the address with these filters in place of the present ones, of the same year."""
        return "?" + urlencode({"year": self.cleaned_data["year"], **other}) + "#clients"

    def chips(self) -> list[dict[str, str]]:
        """Return the filters in use without the year, which is always one."""
        _year, *others = super().chips()
        return others


@log_readers
@require_safe
def campaign(request: Request) -> HttpResponse:
    """Show how far the campaign of a year is: as a bar, by organisation, and its clients."""
    form = CampaignForm(request)
    if not form.is_valid():
        return render(request, "auditor/recertification.html", {"form": form}, status=422)
    page = Paginator(form.chosen.select_related("client"), PAGE_SIZE).get_page(request.GET.get("page"))
    organisations = form.campaign.by_organisation(request.now)[: MAX_ORGANISATIONS + 1]
    query = urlencode(form.active())
    context = {
        "form": form,
        "parts": _parts(form, form.campaign.counted(request.now)),
        "organisations": [
            {"name": row["organisation"], "parts": _parts(form, row), "url": form.url(organisation=row["organisation"])}
            for row in organisations[:MAX_ORGANISATIONS]
        ],
        "more_organisations": len(organisations) > MAX_ORGANISATIONS,
        "limit": MAX_ORGANISATIONS,
        "chips": form.chips(),
        "rows": [_row(question, request.now) for question in page],
        "page": page,
        "query": query,
        "export_url": f"{reverse('auditor:export_recertification')}?{query}",
    }
    return render(request, "auditor/recertification.html", context)


@log_readers
@require_http_methods(["GET", "HEAD", "POST"])
def export_campaign(request: Request) -> HttpResponseBase:
    """Export what the filters show as a spreadsheet, with the contacts; that is an entry of the change log."""
    form = CampaignForm(request)
    if request.method != "POST" or not form.is_valid():  # the page tells what is wrong
        return redirect(f"{reverse('auditor:recertification')}?{request.GET.urlencode()}")
    exports.note_clients_exported(filters={"recertification": "", **form.active()}, by=actor(request))
    name = f"recertification-{form.cleaned_data['year']}-{request.now:%Y-%m-%d}.csv"
    return csv_download.response(_as_table(form.chosen, request.now), name=name)


def _parts(form: CampaignForm, counts: dict[str, Any]) -> list[dict[str, object]]:
    """Return the number of questions in each state, with its share in percent and the address of its clients."""
    whole = sum(counts[state] for state in State)
    return [
        {
            "state": COLOURS[state], "label": state.label, "count": counts[state],
            "percent": 100 * counts[state] / whole if whole else 0, "url": form.url(state=state.value),
        }
        for state in State
    ]  # fmt: skip


def _row(question: Recertification, now: datetime) -> dict[str, object]:
    state = question.state(now)
    return {
        "question": question, "client": question.client, "state": COLOURS[state], "words": state.label,
        "by": name_of(question.confirmed_by),
    }  # fmt: skip


def _as_table(questions: RecertificationQuerySet, now: datetime) -> Iterator[list[object]]:
    yield [
        _("Client id"), _("Name"), _("Organisation"), _("Organisation number"), _("State"), _("Asked"),
        _("To be confirmed before"), _("Confirmed"), _("Confirmed by"), _("Contacts"),
        _("Id of the client in the change log"),
    ]  # fmt: skip
    contacts = ClientContact.objects.select_related("user").order_by("-role", "user__email")
    loaded = questions.select_related("client").prefetch_related(Prefetch("client__contacts", contacts))
    for question in loaded.iterator(chunk_size=EXPORT_CHUNK):
        client, confirmed = question.client, question.confirmed_at
        yield [
            client.client_id, client.name, client.organisation, client.organisation_number,
            question.state(now).label, _second(question.asked_at), _second(question.answer_by),
            _second(confirmed) if confirmed else "", question.confirmed_by,
            "; ".join(row.user.email for row in client.contacts.all()), client.uid,
        ]  # fmt: skip


def _second(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
