"""Claims of requests, and the presence that pages poll."""

from uuid import UUID

from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from clients.acts.team import claims as acts
from clients.models import Registration, User
from portal.flows import presence
from portal.guards.access import actor, security_team
from portal.guards.refusals import refusals_to
from portal.pages.review.queue_forms import ViewForm
from portal.web.http_request import Request, is_uuid


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def claim(request: Request, uid: UUID) -> HttpResponse:
    """Take a request, or give it back; then return to the line of the queue, to the request, or to the dashboard."""
    registration = get_object_or_404(Registration.objects.confirmed(), uid=uid)
    view = ViewForm(QueryDict(request.POST.get("view", "")))
    act, _colon, holder = request.POST.get("claim", "").partition(":")
    with refusals_to(request):
        if act == "take":
            instead_of = User.objects.filter(uid=holder).first() if is_uuid(holder) else None
            acts.claim(registration=registration, instead_of=instead_of, by=actor(request), now=request.now)
        elif act == "release":
            acts.release(registration=registration, by=actor(request))
    if request.POST.get("back") == "dashboard":
        return redirect("security:dashboard")
    if request.POST.get("back") == "review":
        return redirect(reverse("security:review", args=[uid]) + view.query)
    page = view.on_page(request.POST.get("page", ""))
    return redirect(f"{reverse('security:queue')}{page}#request-{registration.pk}")


@security_team
@require_safe
def looking(request: Request, uid: UUID) -> HttpResponse:
    """Note that the reader looks at the request, and return what they should know about it meanwhile."""
    registration = get_object_or_404(Registration.objects.confirmed().select_related("decided_by"), uid=uid)
    presence.look(request_pk=registration.pk, user_pk=request.user.pk, now=request.now)
    return render(request, "security/looking.html", strip(registration, request, request.GET.get("seen", "")))


def strip(registration: Registration, request: Request, seen: str) -> dict[str, object]:
    """Return the context of the strip: colleagues who look at it, and whether it changed since the page was made."""
    pks = presence.looking([registration.pk], now=request.now).get(registration.pk, [])
    others = User.objects.filter(pk__in=pks).exclude(pk=request.user.pk)
    changed = bool(seen) and seen != tag(registration)
    return {"looking": list(others), "changed": changed, "registration": registration}


def tag(registration: Registration) -> str:
    """Return what a page knows of a request: a colleague's decision, first approval or claim makes it another one."""
    first, holder = registration.endorsed_by_id or 0, registration.claimed_by_id or 0
    return f"{registration.content_hash}.{registration.status}.{first}.{holder}"
