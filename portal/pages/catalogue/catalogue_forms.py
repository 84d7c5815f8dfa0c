"""The forms of the catalogue of APIs and scopes. They only validate."""

from __future__ import annotations

import re
from datetime import datetime, time
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import get_language_info, gettext
from django.utils.translation import gettext_lazy as _

from clients.acts.scopes.deprecation import Plan
from clients.built_in_scopes import BUILT_IN_API
from clients.models import Api, Client, Scope
from clients.models.catalogue import Described
from portal.forms.edit_conflict import SeenForm
from portal.forms.fields import Line, Text, day_field, no_secret
from portal.forms.reason import ReasonForm


class DescribedForm(ReasonForm):
    """A description per language, with English for readers of a language without one."""

    def __init__(self, *args: Any, described: Described | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for code, _name in settings.LANGUAGES:
            self.fields[f"description_{code}"] = Text(
                label=gettext("Description in %(language)s") % {"language": get_language_info(code)["name_translated"]},
                required=code == settings.LANGUAGE_CODE,
                initial=described.description.get(code, "") if described else "",
                max_length=500,
                widget=forms.Textarea(attrs={"rows": 2, "lang": code}),
                validators=[no_secret],
            )
        self.fields["reason"] = self.fields.pop("reason")  # last on the page, and so in the list of errors

    @property
    def descriptions(self) -> list[forms.BoundField]:
        return [self[f"description_{code}"] for code, _language in settings.LANGUAGES]

    def description(self) -> dict[str, str]:
        typed = {code: self.cleaned_data[f"description_{code}"] for code, _language in settings.LANGUAGES}
        return {code: text for code, text in typed.items() if text}


class NewApiForm(DescribedForm):
    identifier = forms.CharField(
        label=_("Identifier"), help_text=_("Small letters, digits and hyphens; it becomes the audience of tokens."),
        max_length=60, widget=forms.TextInput(attrs={"spellcheck": "false", "class": "kd-mono"}),
    )  # fmt: skip
    name = Line(label=_("Name"), max_length=120)

    def clean_identifier(self) -> str:
        identifier: str = self.cleaned_data["identifier"]
        if not re.fullmatch(r"[a-z0-9-]+", identifier):
            raise ValidationError(gettext("Use small letters, digits and hyphens."))
        if Api.objects.filter(identifier=identifier).exists():
            raise ValidationError(_("There is an API with this identifier."))
        return identifier


class ApiForm(SeenForm, DescribedForm):
    name = Line(label=_("Name"), max_length=120)
    served_by = forms.CharField(
        label=_("Resource servers"), required=False, max_length=2000,
        help_text=_("Client ids, separated by spaces. These clients may introspect the API's tokens."),
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "class": "kd-mono"}),
    )  # fmt: skip

    def clean_served_by(self) -> list[Client]:
        ids = set(self.cleaned_data["served_by"].split())
        clients = list(Client.objects.filter(client_id__in=ids).exclude(status=Client.Status.CLOSED))
        if unknown := ids - {client.client_id for client in clients}:
            raise ValidationError(gettext("There is no client %(ids)s.") % {"ids": ", ".join(sorted(unknown))})
        return clients


class ScopeForm(DescribedForm):
    """Form of a scope. One reviewer may mark it sensitive; unmarking takes two (pages/catalogue/scope_approvals.py)."""

    sensitive = forms.BooleanField(
        label=_("Sensitive"), required=False,
        help_text=_(
            "Two members of the Security team approve each request for it. It takes two of them to drop the second "
            "approval, too."
        ),
    )  # fmt: skip

    needs_legal_basis = forms.BooleanField(
        label=_("Needs a legal basis"), required=False,
        help_text=_("Each approval names the law, the contract or the authorisation decision that allows it."),
    )  # fmt: skip

    def __init__(self, *args: Any, scope: Scope | None = None, **kwargs: Any) -> None:
        super().__init__(*args, described=scope, **kwargs)
        self.fields["needs_legal_basis"].initial = scope is not None and scope.needs_legal_basis
        self.is_sensitive = scope is not None and scope.sensitive
        if self.is_sensitive:
            del self.fields["sensitive"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        return {**data, "sensitive": self.is_sensitive or data.get("sensitive", False)}


class NewScopeForm(ScopeForm):
    field_order = ("name", "api", "sensitive", "needs_legal_basis")
    name = forms.CharField(
        label=_("Name"), help_text=_("As software asks for it, for instance address.read. It cannot change later."),
        max_length=100, widget=forms.TextInput(attrs={"spellcheck": "false", "class": "kd-mono"}),
    )  # fmt: skip
    api = forms.ModelChoiceField(
        label=_("API"), queryset=Api.objects.exclude(identifier=BUILT_IN_API), empty_label=_("Choose one")
    )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        try:
            Scope._meta.get_field("name").run_validators(name)
        except ValidationError:
            raise ValidationError(
                _("Use letters, digits and signs such as . : / - and _, without blanks, commas or quotes.")
            ) from None
        if Scope.objects.filter(name=name).exists():
            raise ValidationError(_("There is a scope with this name."))
        return name


class DeprecationForm(ReasonForm):
    """The date on which a scope is retired, and its successor."""

    field_order = ("day", "successor", "reason")
    reason_help = _("Its holders read this in their e-mail and on their pages, and it stays in the change log.")
    day = day_field(_("Day on which it ends"))
    successor = forms.ModelChoiceField(
        label=_("Scope to ask for instead"), queryset=Scope.objects.none(), required=False, to_field_name="name",
        empty_label=_("None"),
    )  # fmt: skip

    def __init__(self, *args: Any, scope: Scope, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = Scope.objects.offered().exclude(api__identifier=BUILT_IN_API).exclude(pk=scope.pk)
        self.fields["successor"].queryset = others  # type: ignore[attr-defined]  # of a ModelChoiceField
        self.fields["day"].required = True
        self.fields["day"].help_text = gettext("It ends when this day begins, at least a week ahead.")

    @property
    def plan(self) -> Plan:
        """The plan that was typed: from midnight on in the time zone of the site, the scope is retired."""
        data = self.cleaned_data
        midnight = timezone.make_aware(datetime.combine(data["day"], time.min), timezone.get_default_timezone())
        return Plan(retires_at=midnight, successor=data["successor"], reason=data["reason"])
