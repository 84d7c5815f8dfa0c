"""Mail that the mail server has not accepted yet, or has refused for good, and retries."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clients.mail import outbox
from clients.models import Mail
from portal.forms.reason import ReasonForm
from portal.guards.access import actor, security_team
from portal.guards.refusals import refusals_to
from portal.web.http_request import Request, posted

MAX_MAILS = 100


@security_team
@require_safe
def undelivered(request: Request) -> HttpResponse:
    failed = Mail.objects.undeliverable().select_related("client", "registration", "user")
    waiting = Mail.objects.waiting(request.now)
    context = {
        "mails": failed[:MAX_MAILS],
        "total": failed.count(),
        "shown": MAX_MAILS,
        "waiting": waiting.count(),
        "reads_bounces": bool(settings.BOUNCE_IMAP_URL or settings.BOUNCE_TOKEN),
        "waiting_since": waiting.values_list("created_at", flat=True).first(),
    }
    return render(request, "security/undelivered.html", context)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def retry_mail(request: Request, uid: UUID) -> HttpResponse:
    mail, form = get_object_or_404(Mail, pk=uid), ReasonForm(posted(request))
    if not form.is_valid():
        context = {"mail": mail, "form": form}
        return render(request, "security/retry_mail.html", context, status=422 if form.errors else 200)
    with refusals_to(request):
        outbox.retry(mail=mail, reason=form.cleaned_data["reason"], by=actor(request), now=request.now)
        messages.success(request, _("We try again to reach %(address)s.") % {"address": mail.to})
    return redirect("security:failed_mail")
