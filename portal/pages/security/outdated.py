"""Outdated ways that still work: how many clients use each, which ones, and a mail to their contacts."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from audit.log import SITE
from clients.models import PolicyBound
from clients.outdated_ways import OutdatedWay
from clients.policy.words import BOUND_OF
from portal.forms.reason import ReasonAndMessageForm
from portal.guards.access import actor, security_team
from portal.guards.refusals import refusals_to
from portal.pages.security.policy import withdraw_url
from portal.pages.security.policy_forms import PolicyForm
from portal.search import outdated_figures
from portal.web.http_request import Request, posted
from tokens.acts.policy import outdated as acts


@security_team
@require_safe
def outdated_ways(request: Request) -> HttpResponse:
    counted = outdated_figures.current(request.now)
    refused = {row.bound: row.existing_from for row in PolicyBound.objects.about(SITE)}
    shown = [{**vars(figure), "refused_from": refused.get(BOUND_OF[way][0])} for way, figure in counted.figures.items()]
    context = {"clients": counted.clients, "counted_at": counted.at, "figures": shown, "days": acts.PERIOD.days}
    return render(request, "security/outdated_ways.html", context)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def outdated_way(request: Request, way: str) -> HttpResponse:
    if way not in OutdatedWay.values:
        raise Http404
    known, form = OutdatedWay(way), ReasonAndMessageForm(posted(request))
    if form.is_valid():
        with refusals_to(request):
            asked = acts.ask_to_change(way=known, **form.cleaned_data, by=actor(request), now=request.now)
            words = ngettext(
                "The contacts of %(count)s client get a mail.", "The contacts of %(count)s clients get a mail.", asked
            )
            messages.success(request, words % {"count": asked})
        return redirect("security:outdated_ways")
    counted = outdated_figures.current(request.now)
    context = {
        "way": known,
        "figure": counted.figures[known],
        "clients": counted.clients,
        "counted_at": counted.at,
        "users": counted.users(known),
        "shown": outdated_figures.SHOWN,
        "days": acts.PERIOD.days,
        "form": form,
        **_switch(request, known),
    }
    return render(request, "security/outdated_way.html", context, status=422 if form.errors else 200)


def _switch(request: Request, way: OutdatedWay) -> dict[str, object]:
    """Return the bound that refuses the way, as it is at present and as it can be proposed."""
    bound, value = BOUND_OF[way]
    row = PolicyBound.objects.about(SITE).filter(bound=bound).first()
    asked = {"bound": bound.value, "value": "" if value is True else value}
    day = PolicyForm(now=request.now)["existing_from"]
    return {"bound": row, "withdraw_url": withdraw_url(row) if row else "", "refuse": {**asked, "day": day}}
