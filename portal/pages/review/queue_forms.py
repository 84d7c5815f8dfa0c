"""A view of the queue: its filters and order, which are the query of the page's address."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext_lazy as _

from clients.models import Api, Registration, User
from portal.forms.fields import Line
from portal.forms.filters import FilterForm


def _apis() -> list[tuple[str, Any]]:
    return [("", _("Any")), *Api.objects.order_by("name").values_list("identifier", "name")]


def _people() -> list[tuple[str, Any]]:
    team = User.objects.filter(role=User.Role.SECURITY, is_active=True).order_by("name", "email")
    return [("", _("Anybody or nobody")), ("me", _("Me")), ("nobody", _("Nobody")), *((str(u.pk), u) for u in team)]


class ViewForm(FilterForm):
    who = forms.ChoiceField(label=_("Who has it"), required=False, choices=_people)
    step = forms.ChoiceField(
        label=_("Approval"), required=False,
        choices=[
            ("", _("Any")), ("first", _("First, I may")), ("second", _("Second, I may")),
            ("contact", _("Waits for the contact")),
        ],
    )  # fmt: skip
    api = forms.ChoiceField(label=_("API"), required=False, choices=_apis)
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("Any")), *Registration.Kind.choices])
    signal = forms.ChoiceField(
        label=_("Risk"), required=False,
        choices=[("", _("Any")), ("bad", _("High")), ("warn", _("Medium")), ("none", _("Low"))],
    )  # fmt: skip
    sensitive = forms.ChoiceField(
        label=_("Sensitive"), required=False, choices=[("", _("Any")), ("yes", _("Asks for a sensitive scope"))]
    )
    sort = forms.ChoiceField(
        label=_("Order"), required=False,
        choices=[
            ("", _("Most urgent first")), ("sent", _("Oldest first")), ("name", _("By name")),
            ("organisation", _("By organisation")), ("step", _("By approval")), ("with", _("By who has it")),
        ],
    )  # fmt: skip

    def cleaned(self) -> dict[str, str]:
        """Return the values in use, without those that the form refuses."""
        self.is_valid()
        return dict(self.cleaned_data)

    @property
    def query(self) -> str:
        """The query of the view's address, with its `?`; "" for the whole queue."""
        return self.on_page("")

    def on_page(self, number: str) -> str:
        """Return the query of a page of the view; that of the first for ""."""
        used = {name: value for name, value in {**self.cleaned(), "page": number}.items() if value}
        return f"?{urlencode(used)}" if used else ""


class SaveViewForm(forms.Form):
    name = Line(label=_("Name of this view"), max_length=60, is_name=False)
