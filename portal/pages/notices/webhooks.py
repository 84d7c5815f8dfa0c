"""Webhooks that get the notices to the Security team, or to the owners of an API (API M-19)."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from audit.log import SITE
from clients.acts import proposals
from clients.acts.team import webhooks as acts
from clients.models import Delivery, Proposal
from clients.team import webhooks as team
from portal.explanations.sentences import problem_of
from portal.forms.reason import ReasonForm
from portal.guards.access import actor
from portal.guards.refusals import refusals_to
from portal.pages.notices.forms import WebhookForm
from portal.pages.notices.places import Place, for_keepers
from portal.web import kept_forms
from portal.web.http_request import Request, posted

MAX_DELIVERIES = 50
KIND, NAME, SHOWN_FOR_S = "webhook_secret", "once", 60


@for_keepers
@require_safe
def webhook(request: Request, place: Place, uid: UUID) -> HttpResponse:
    found = get_object_or_404(place.shown.select_related("api"), uid=uid)
    failed = found.deliveries.failed().select_related("notice")[:MAX_DELIVERIES]
    is_kept = found.api == place.api
    context = {
        "webhook": found, "home": place.home,
        "secret_url": place.url("webhook_secret", uid) if is_kept else "",
        "remove_url": place.url("remove_webhook", uid),
        "failed": [
            {
                "delivery": delivery, "problem": problem_of(delivery.problem),
                "again_url": place.url("retry_delivery", delivery.pk) if is_kept else "",
            }
            for delivery in failed
        ],
        "waiting": found.deliveries.filter(state=Delivery.State.PENDING).count(),
        "last_sent_at": found.deliveries.exclude(sent_at=None).order_by("-sent_at").values_list("sent_at").first(),
    }  # fmt: skip
    return render(request, "webhooks/webhook.html", context)


@for_keepers
@require_http_methods(["GET", "HEAD", "POST"])
def create_webhook(request: Request, place: Place) -> HttpResponse:
    """Propose a webhook, for a second person to confirm."""
    form = WebhookForm(posted(request))
    if form.is_valid():
        content = {name: form.cleaned_data[name] for name in ("name", "url")}
        with refusals_to(form, "url"):
            made = proposals.propose(
                kind=Proposal.Kind.WEBHOOK_ADDED, about=place.api or SITE, content=content,
                reason=form.cleaned_data["reason"], by=actor(request), now=request.now,
            )  # fmt: skip
            messages.success(request, _("Proposed. Nothing changes until a colleague confirms."))
            return redirect(place.url("proposal", made.uid))
    context = {"form": form, "api": place.api, "home": place.home}
    return render(request, "webhooks/create_webhook.html", context, status=422 if form.errors else 200)


@for_keepers
@require_http_methods(["GET", "HEAD", "POST"])
def remove_webhook(request: Request, place: Place, uid: UUID) -> HttpResponse:
    found, form = get_object_or_404(place.shown, uid=uid), ReasonForm(posted(request))
    if form.is_valid():
        with refusals_to(request):
            acts.remove(webhook=found, reason=form.cleaned_data["reason"], by=actor(request), now=request.now)
            messages.success(request, _("Removed. Nothing is sent there any more."))
        return redirect(place.home["url"])
    context = {"webhook": found, "back_url": place.url("webhook", uid), "form": form}
    return render(request, "webhooks/remove_webhook.html", context, status=422 if form.errors else 200)


@for_keepers
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_secret(request: Request, place: Place, uid: UUID) -> HttpResponse:
    """Ask why, then show the secret once: Back and Reload do not show it again."""
    found, form = get_object_or_404(place.kept, uid=uid, ends_at=None), ReasonForm(posted(request))
    if form.is_valid():
        acts.view_secret(webhook=found, reason=form.cleaned_data["reason"], by=actor(request))
        name = kept_forms.keep(request, KIND, {"webhook": str(uid)}, seconds=SHOWN_FOR_S)
        return redirect(f"{place.url('webhook_secret', uid)}?{NAME}={name}")
    kept = kept_forms.get(request, KIND, request.GET.get(NAME, ""))
    context = {"webhook": found, "back_url": place.url("webhook", uid), "form": form}
    if kept and kept["webhook"] == str(uid) and request.method == "GET":
        kept_forms.drop(request, request.GET[NAME])
        context["secret"] = team.secret_of(found)
    return render(request, "webhooks/webhook_secret.html", context, status=422 if form.errors else 200)


@for_keepers
@require_http_methods(["GET", "HEAD", "POST"])
def retry_delivery(request: Request, place: Place, uid: UUID) -> HttpResponse:
    deliveries = Delivery.objects.filter(webhook__in=place.kept).select_related("webhook__api", "notice")
    found, form = get_object_or_404(deliveries, pk=uid), ReasonForm(posted(request))
    back_url = place.url("webhook", found.webhook.uid)
    if form.is_valid():
        with refusals_to(request):
            acts.send_again(delivery=found, reason=form.cleaned_data["reason"], by=actor(request), now=request.now)
            messages.success(request, _("It is sent again within seconds."))
        return redirect(back_url)
    context = {"delivery": found, "problem": problem_of(found.problem), "back_url": back_url, "form": form}
    return render(request, "webhooks/retry_delivery.html", context, status=422 if form.errors else 200)
