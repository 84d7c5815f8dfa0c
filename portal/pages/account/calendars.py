"""The ends of a contact's credentials in their calendar: the page that makes an address, and the answer there."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import quote_etag
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clients.access.guarded_acts import Act
from clients.calendar import events, feeds
from clients.edit_tags import edit_tag
from clients.models import CalendarFeed
from portal.guards.access import actor, contact
from portal.guards.step_up import may_ask_for_step_up, require
from portal.web import form_rate_limits
from portal.web.http_request import Request

MAX_AGE_S = 3600  # calendar programs ask a few times a day


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def calendar(request: Request) -> HttpResponse:
    """Make the address, which only the answer to this POST shows, or switch it off."""
    if request.method == "POST" and "end" in request.POST:
        feeds.end(user=request.user, by=actor(request))
        messages.success(request, _("The address no longer works. Your calendar keeps what it has read."))
        return redirect("contact:calendar")
    address = ""
    if request.method == "POST":
        require(request, Act.MAKE_CALENDAR)
        address = feeds.make(user=request.user, by=actor(request), now=request.now)
    feed = CalendarFeed.objects.filter(user=request.user).first()
    context = {"address": address, "feed": feed, "ends": events.coming(request.user, request.now)}
    return render(request, "contact/calendar.html", context)


@login_not_required
@require_safe
def calendar_feed(request: Request, token: str) -> HttpResponseBase:
    """Answer with the ends to who has the address; alike to an unknown one and to one that was switched off."""
    reader = feeds.reader(token)
    if reader is None:
        if form_rate_limits.is_over_for_failures(request):
            return HttpResponse(status=429, headers={"Retry-After": str(form_rate_limits.FAILURES_S)})
        raise Http404
    with translation.override(reader.language or settings.LANGUAGE_CODE):
        text = events.as_calendar(events.coming(reader, request.now))
    answer = HttpResponse(text, content_type="text/calendar; charset=utf-8")
    answer["ETag"] = quote_etag(edit_tag(text.decode()))
    patch_cache_control(answer, private=True, max_age=MAX_AGE_S)
    return get_conditional_response(request, etag=answer["ETag"], response=answer) or answer
