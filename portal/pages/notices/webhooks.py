"""Webhooks that get the notices to the Security team (API M-19)."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from audit.log import SITE
from clients.acts.four_eyes import NeedsColleague
from clients.acts.team import webhooks as acts
from clients.models import Delivery, Proposal, Webhook
from clients.team import webhooks as team
from portal.explanations.sentences import problem_of
from portal.flows.proposals import propose
from portal.forms.reason import InternalReasonForm
from portal.guards.access import actor, security_team
from portal.guards.refusals import refusals_to
from portal.pages.notices.forms import WebhookForm
from portal.web import kept_forms
from portal.web.http_request import Request, posted

MAX_DELIVERIES = 50
KIND, NAME, SHOWN_FOR_S = "webhook_secret", "once", 60


@security_team
@require_safe
def webhook(request: Request, uid: UUID) -> HttpResponse:
    found = get_object_or_404(Webhook, uid=uid)
    failed = found.deliveries.failed().select_related("notice")[:MAX_DELIVERIES]
    context = {
        "webhook": found,
        "failed": [{"delivery": delivery, "problem": problem_of(delivery.problem)} for delivery in failed],
        "waiting": found.deliveries.filter(state=Delivery.State.PENDING).count(),
        "last_sent_at": found.deliveries.exclude(sent_at=None).order_by("-sent_at").values_list("sent_at").first(),
    }
    return render(request, "security/webhook.html", context)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def create_webhook(request: Request) -> HttpResponse:
    """Propose a webhook, for a colleague to confirm."""
    form = WebhookForm(posted(request))
    if form.is_valid():
        content = {name: form.cleaned_data[name] for name in ("name", "url")}
        reason = form.cleaned_data["reason"]
        try:
            with refusals_to(form, "url"):
                acts.add(**content, reason=reason, by=actor(request), now=request.now)
        except NeedsColleague:
            return propose(request, Proposal.Kind.WEBHOOK_ADDED, SITE, reason=reason, content=content)
    return render(request, "security/create_webhook.html", {"form": form}, status=422 if form.errors else 200)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def remove_webhook(request: Request, uid: UUID) -> HttpResponse:
    found, form = get_object_or_404(Webhook, uid=uid), InternalReasonForm(posted(request))
    if form.is_valid():
        with refusals_to(request):
            acts.remove(webhook=found, reason=form.cleaned_data["reason"], by=actor(request), now=request.now)
            messages.success(request, _("Removed. Nothing is sent there any more."))
        return redirect("security:notices")
    context = {"webhook": found, "form": form}
    return render(request, "security/remove_webhook.html", context, status=422 if form.errors else 200)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_secret(request: Request, uid: UUID) -> HttpResponse:
    """Ask why, then show the secret once: Back and Reload do not show it again."""
    found, form = get_object_or_404(Webhook, uid=uid, ends_at=None), InternalReasonForm(posted(request))
    if form.is_valid():
        acts.view_secret(webhook=found, reason=form.cleaned_data["reason"], by=actor(request))
        name = kept_forms.keep(request, KIND, {"webhook": str(uid)}, seconds=SHOWN_FOR_S)
        return redirect(f"{resolve_url('security:webhook_secret', uid)}?{NAME}={name}")
    kept = kept_forms.get(request, KIND, request.GET.get(NAME, ""))
    context = {"webhook": found, "form": form}
    if kept and kept["webhook"] == str(uid) and request.method == "GET":
        kept_forms.drop(request, request.GET[NAME])
        context["secret"] = team.secret_of(found)
    return render(request, "security/webhook_secret.html", context, status=422 if form.errors else 200)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def retry_delivery(request: Request, uid: UUID) -> HttpResponse:
    found = get_object_or_404(Delivery.objects.select_related("webhook", "notice"), pk=uid)
    form = InternalReasonForm(posted(request))
    if form.is_valid():
        with refusals_to(request):
            acts.send_again(delivery=found, reason=form.cleaned_data["reason"], by=actor(request), now=request.now)
            messages.success(request, _("It is sent again within seconds."))
        return redirect("security:webhook", found.webhook.uid)
    context = {"delivery": found, "problem": problem_of(found.problem), "form": form}
    return render(request, "security/retry_delivery.html", context, status=422 if form.errors else 200)
