"""The page on which anybody ends a leaked value by pasting it: possession is the proof (API M-15).

Pasted text is kept nowhere. Of a private key only the thumbprint of its public half is looked up, and only if the key
signs what that half verifies. The page says the same to a value that is unknown, that ended before, and that proves
nothing.
"""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from clients.actors import PAGE_REPORT, Actor
from clients.keymaterial.traces import MAX_LENGTH
from portal.flows import pasted_secret
from portal.guards.refusals import refusals_to
from portal.web import form_rate_limits, kept_forms
from portal.web.http_request import Request, posted
from tokens.acts import leak_reports
from tokens.acts.leak_reports import Find

DONE = "done"  # kind of the kept answer
KEPT_S = 600


class LeakedForm(forms.Form):
    value = forms.CharField(
        label=gettext_lazy("What you found"),
        help_text=gettext_lazy(
            "A client secret (it begins with kds_), an access token (kdt_) or a private key, or the line in which it"
            " stands. One at a time."
        ),
        max_length=MAX_LENGTH,
        error_messages={"required": gettext_lazy("Paste what you found.")},
        # A password field, because its value is not sent back in the page, and browsers do not offer it again.
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "kd-mono"}),
    )

    def clean_value(self) -> Find:
        """Return what the value proves possession of, which may be nothing."""
        try:
            pasted = pasted_secret.read(self.cleaned_data["value"])
        except pasted_secret.SeveralLeaks:
            raise ValidationError(_("There are several values in this. Paste them one at a time.")) from None
        if not pasted.is_proven:
            return Find()
        digest, thumbprint = pasted.traces.digest, pasted.traces.thumbprint
        return Find(frozenset(filter(None, [digest])), frozenset(filter(None, [thumbprint])))


@sensitive_post_parameters("value")
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def leaked(request: Request) -> HttpResponse:
    form = LeakedForm(posted(request))
    if request.method == "POST" and form_rate_limits.is_over_for_failures(request):
        return _page(request, LeakedForm(), is_over=True)
    if form.is_valid():
        by = Actor(system=PAGE_REPORT, address=request.address, request_id=request.id)
        with refusals_to(form, "value"):
            reported = leak_reports.report(finds=[form.cleaned_data["value"]], by=by, now=request.now)
            ended = reported.ended[0].kind if reported.ended else ""
            has_grace = ended == "secret" and bool(settings.LEAKED_SECRET_GRACE)
            name = kept_forms.keep(request, DONE, {"ended": ended, "has_grace": has_grace}, seconds=KEPT_S)
            return redirect(f"{request.path}?{DONE}={name}")
    return _page(request, form)


def _page(request: Request, form: LeakedForm, *, is_over: bool = False) -> HttpResponse:
    done = kept_forms.get(request, DONE, request.GET.get(DONE, "")) if request.method != "POST" else None
    context: dict[str, Any] = {"form": form, "done": done, "is_over": is_over}
    if not is_over:
        return render(request, "public/leaked.html", context, status=422 if form.errors else 200)
    answer = render(request, "public/leaked.html", context, status=429)
    answer["Retry-After"] = str(form_rate_limits.FAILURES_S)
    return answer
