"""Outdated ways that still work: how many clients use each, which ones, and a mail to their contacts."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from clients.outdated_ways import OutdatedWay
from portal.forms.reason import InternalReasonForm, ReasonAndMessageForm
from portal.guards.access import actor, security_team
from portal.guards.refusals import refusals_to
from portal.web.http_request import Request, posted
from tokens.acts import outdated as acts

SHOWN = 100


class OutdatedWayForm(ReasonAndMessageForm):
    reason_help = InternalReasonForm.reason_help


@security_team
@require_safe
def outdated_ways(request: Request) -> HttpResponse:
    clients, figures = acts.figures(now=request.now)
    context = {"clients": clients, "figures": figures, "days": acts.PERIOD.days}
    return render(request, "security/outdated_ways.html", context)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def outdated_way(request: Request, way: str) -> HttpResponse:
    if way not in OutdatedWay.values:
        raise Http404
    known, form = OutdatedWay(way), OutdatedWayForm(posted(request))
    if form.is_valid():
        with refusals_to(request):
            asked = acts.ask_to_change(way=known, **form.cleaned_data, by=actor(request), now=request.now)
            words = ngettext(
                "The contacts of %(count)s client get a mail.", "The contacts of %(count)s clients get a mail.", asked
            )
            messages.success(request, words % {"count": asked})
        return redirect("security:outdated_ways")
    clients, figures = acts.figures(now=request.now)
    context = {
        "way": known,
        "figure": next(figure for figure in figures if figure.way == known),
        "clients": clients,
        "users": acts.users(known, now=request.now, at_most=SHOWN),
        "shown": SHOWN,
        "days": acts.PERIOD.days,
        "form": form,
    }
    return render(request, "security/outdated_way.html", context, status=422 if form.errors else 200)
