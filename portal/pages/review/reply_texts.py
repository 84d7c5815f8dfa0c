"""The team's texts for questions and rejections: their pages, and what a page with a message offers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language, get_language_info, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clients.acts.team import reply_texts as acts
from clients.models import ReplyText
from portal.forms.fields import Line, Text, no_secret
from portal.guards.access import actor, security_team
from portal.guards.refusals import refusals_to
from portal.web.http_request import Request, posted

MAX_PK = 2**31


def offered(purpose: str = "") -> list[ReplyText]:
    """Return the texts of a purpose, or all."""
    found = ReplyText.objects.filter(purpose=purpose) if purpose else ReplyText.objects.all()
    return list(found)


def chosen(pk: str, purpose: str, language: str) -> str:
    """Return the text with this number in the contact's language; "" for none."""
    if not pk.isascii() or not pk.isdecimal() or int(pk[:11]) > MAX_PK:
        return ""
    found = ReplyText.objects.filter(pk=int(pk[:11]), **({"purpose": purpose} if purpose else {})).first()
    return found.in_language(language or settings.LANGUAGE_CODE) if found else ""


class ReplyTextForm(forms.Form):
    name = Line(label=gettext_lazy("Name, for the team"), max_length=80, is_name=False)
    purpose = forms.ChoiceField(
        label=gettext_lazy("For"), choices=ReplyText.Purpose.choices, widget=forms.RadioSelect
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for code, _name in settings.LANGUAGES:
            self.fields[f"text_{code}"] = Text(
                label=gettext_lazy("Text in %(language)s") % {"language": get_language_info(code)["name_translated"]},
                required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 5, "lang": code}),
                validators=[no_secret],
            )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not any(self.texts(data).values()):
            self.add_error("text_en", _("Give the text in one language at least."))
        return data

    @staticmethod
    def texts(data: dict[str, Any]) -> dict[str, str]:
        return {code: data.get(f"text_{code}", "") for code, _name in settings.LANGUAGES}


@security_team
@require_safe
def reply_texts(request: Request) -> HttpResponse:
    found, language = offered(), get_language() or settings.LANGUAGE_CODE
    rows = [{"saved": text, "shown": text.in_language(language)} for text in found]
    return render(request, "security/reply_texts.html", {"rows": rows})


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def reply_text(request: Request, pk: int | None = None) -> HttpResponse:
    """Show the form of a text, or of a new one, and save it."""
    saved = get_object_or_404(ReplyText, pk=pk) if pk is not None else None
    initial = {f"text_{code}": text for code, text in saved.text.items()} if saved else {}
    form = ReplyTextForm(
        posted(request), initial={**initial, "name": saved, "purpose": saved.purpose} if saved else None
    )
    if form.is_valid():
        data = form.cleaned_data
        with refusals_to(form, "name"):
            acts.save(saved=saved, purpose=data["purpose"], name=data["name"], text=form.texts(data), by=actor(request))
            messages.success(request, _("Saved."))
            return redirect("security:reply_texts")
    return render(
        request, "security/reply_text.html", {"form": form, "saved": saved}, status=422 if form.errors else 200
    )


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def remove_reply_text(request: Request, pk: int) -> HttpResponse:
    saved = get_object_or_404(ReplyText, pk=pk)
    if request.method == "POST":
        acts.remove(saved=saved, by=actor(request))
        messages.success(request, _("Removed."))
    return redirect("security:reply_texts")
