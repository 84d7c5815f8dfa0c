"""The last notices to the Security team, and when each member is mailed about them."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clients.acts.team import notice_mails
from clients.mail import targets
from clients.models import Notice, Proposal, User, Webhook
from portal.guards.access import actor, security_team
from portal.pages.notices.forms import NoticeMailsForm
from portal.web.http_request import Request, posted

MAX_NOTICES = 30  # the newest ones


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def notices(request: Request) -> HttpResponse:
    form = NoticeMailsForm(posted(request), initial={"notice_mails": request.user.notice_mails})
    if form.is_valid():
        notice_mails.choose(when=User.NoticeMails(form.cleaned_data["notice_mails"]), by=actor(request))
        messages.success(request, _("Saved."))
        return redirect("security:notices")
    found = Notice.objects.filter(api=None).order_by("-at", "-pk")[:MAX_NOTICES]
    context = {
        "form": form,
        "notices": [{"notice": notice, "url": _url(notice)} for notice in found],
        "proposals": Proposal.objects.waiting(request.now).filter(kind=Proposal.Kind.WEBHOOK_ADDED, api=None),
        "webhooks": Webhook.objects.filter(ends_at=None).select_related("api"),
    }
    return render(request, "security/notices.html", context, status=422 if form.errors else 200)


def _url(notice: Notice) -> str:
    return targets.of_notice(Notice.Kind(notice.kind), notice.about)
