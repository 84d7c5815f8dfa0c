"""The search of the header: a page, whose hits search.js shows in a dialog, too."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from portal.flows import leak_look_up, pasted_secret
from portal.guards.context_processors import role_of
from portal.search import anything
from portal.search.staff_search import MAX_LENGTH
from portal.web import form_rate_limits
from portal.web.http_request import Request

SEARCHES: dict[str, Callable[[Request, str], list[anything.Group]]] = {
    "security": lambda _request, text: anything.of_security(text),
    "auditor": lambda _request, text: anything.of_auditor(text),
    "contact": lambda request, text: anything.of_contact(text, request.user),
    "api_owner": lambda _request, text: anything.of_everybody(text),
    "public": lambda _request, text: anything.of_everybody(text),
}


@login_not_required
@sensitive_post_parameters("q")
@require_http_methods(["GET", "HEAD", "POST"])
def search(request: Request) -> HttpResponse:
    """Show the hits. A text comes by POST and is led to its address, unless it may be a secret."""
    role, text = role_of(request), _asked(request.POST if request.method == "POST" else request.GET)
    if text and form_rate_limits.is_over_for_searches(request):
        answer = render(request, "accounts/search.html", {"is_over": True}, status=429)
        answer["Retry-After"] = str(form_rate_limits.SEARCHES_S)
        return answer
    if request.method == "POST":
        return _sent(request, text, role)
    text = text[:MAX_LENGTH]
    secret = pasted_secret.may_hold_a_secret(text)
    groups = SEARCHES[role](request, text) if text and not secret else []
    context = {"text": "" if secret else text, "secret": secret, "groups": groups}
    return render(request, "accounts/search.html", context, status=422 if secret else 200)


def _asked(data: QueryDict) -> str:
    """Return the text, without NUL: PostgreSQL keeps none, so nothing has one."""
    return data.get("q", "").replace("\0", "").strip()


def _sent(request: Request, text: str, role: str) -> HttpResponse:
    if not pasted_secret.may_hold_a_secret(text):
        if len(text) > MAX_LENGTH:
            context = {"text": text, "longest": MAX_LENGTH}
            return render(request, "accounts/search.html", context, status=422)
        return redirect(reverse("account:search", query={"q": text}))
    if role != "security":
        return render(request, "accounts/search.html", {"secret": True}, status=422)
    try:
        return redirect(leak_look_up.look_up(request, pasted_secret.read(text)))
    except pasted_secret.SeveralLeaks:
        messages.error(request, _("There are several secrets, tokens or keys in this. Paste them one at a time."))
        return redirect("security:incident")
