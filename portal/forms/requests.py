"""Forms of a request for a client, or for a change of one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, cast

from django import forms
from django.conf import settings
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from clients.acts.client_requests import Content
from clients.fields import CONTENT_FIELDS, Kind
from clients.models import Api, Client, Registration, Scope
from portal.forms.fields import Line, OrganisationNumber, Text, email_field, no_secret
from portal.ui.dates import day

Scenario = Registration.Scenario
WITH_USERS = "authorization_code"  # shown, and cannot be chosen
OF_ORGANISATION = ("organisation", "organisation_number")
OF_CLIENT = [field.name for field in CONTENT_FIELDS if field.client]


class ContentForm(forms.Form):
    """The content of a client and its scopes; also for the answer after changes were asked for."""

    organisation = Line(
        label=_("Organisation"),
        help_text=_("The legal name of the organisation that runs the client."),
        max_length=150,
        error_messages={"required": _("Enter the name of your organisation.")},
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    organisation_number = OrganisationNumber(
        label=_("Organisation number"),
        help_text=_("Of the KBO/BCE or the KvK; of another register with the code of the country: “DE HRB 12345”."),
        required=False,  # unless the site says so (ORGANISATION_NUMBER_REQUIRED)
        error_messages={"required": _("Enter the number of your organisation in its register.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    client_name = Line(
        label=_("Name of the client"),
        help_text=_("What you call the system that connects, for example “Meter readings link”."),
        max_length=120,
        error_messages={"required": _("Give the client a name.")},
    )
    reference = Line(
        label=_("Your reference"),
        help_text=_("A case or order number of your organisation. Pages and mails about the client show it."),
        max_length=60,
        is_name=False,
        required=False,
    )
    purpose = Text(
        label=_("What does it do, and for whom?"),
        help_text=_("Two or three sentences, with the reason for each scope. Reviewers read this first."),
        max_length=4000,
        error_messages={"required": _("Say what the client does and why it needs these scopes.")},
        widget=forms.Textarea(attrs={"rows": 5}),
        validators=[no_secret],
    )
    scopes = forms.MultipleChoiceField(
        label=_("Which data do you need?"),
        help_text=_("Ask for as little as you can. You can ask for more later."),
        error_messages={"required": _("Tick at least one scope.")},
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, scopes: Iterable[Scope], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organisation_number"].required = settings.ORGANISATION_NUMBER_REQUIRED
        self.offered = {scope.name: scope for scope in scopes}
        field = cast(forms.MultipleChoiceField, self.fields["scopes"])
        field.choices = [(name, name) for name in self.offered]
        about_client = [name for name in OF_CLIENT if name not in OF_ORGANISATION]
        self.order_fields([*OF_ORGANISATION, "contact_name", "contact_email", *about_client, "scenario", "scopes"])

    def clean_scopes(self) -> tuple[Scope, ...]:
        return tuple(self.offered[name] for name in self.cleaned_data["scopes"])

    @property
    def lines(self) -> list[forms.BoundField]:
        """The one-line fields about the client."""
        long = {field.name for field in CONTENT_FIELDS if field.kind == Kind.TEXT}
        return [self[name] for name in self.fields if name in OF_CLIENT and name not in long]

    @property
    def scope_groups(self) -> list[tuple[Api, list[dict[str, object]]]]:
        """Return the tick boxes by API, in the order of the catalogue, as components/forms/choice.html wants them."""
        groups: dict[Api, list[dict[str, object]]] = defaultdict(list)
        ticked = self["scopes"].value() or []
        for number, scope in enumerate(self.offered.values()):
            groups[scope.api].append(
                {
                    "id": f"{self['scopes'].auto_id}_{number}",
                    "name": "scopes",
                    "value": scope.name,
                    "label": format_html('<span class="kd-mono">{}</span>', scope.name),
                    "checked": scope.name in ticked,
                    "hint": _hint(scope),
                }
            )
        return list(groups.items())

    def content(self, *, contact_name: str, contact_email: str) -> Content:
        texts = {field.name: self.cleaned_data.get(field.name, "") for field in CONTENT_FIELDS}
        texts |= {"contact_name": contact_name, "contact_email": contact_email}
        return Content(texts=texts, scopes=self.cleaned_data["scopes"])


class ChangeContentForm(ContentForm):
    """The content of an existing client: the reason of the change, and a description that mostly stays."""

    reason = Text(
        label=_("Why do you need this?"),
        help_text=_("Two or three sentences, with the reason for each new scope. Reviewers read this first."),
        max_length=2000,
        error_messages={"required": _("Say why the client needs this.")},
        widget=forms.Textarea(attrs={"rows": 4}),
        validators=[no_secret],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["purpose"].required = False
        self.fields["purpose"].help_text = _("What the client does as a whole. Leave it as it is if that stays true.")
        self.order_fields(["reason"])

    @property
    def is_description_open(self) -> bool:
        """Whether the folded fields must be open: one is invalid, or the client has no description yet."""
        return any(name in self.errors for name in OF_CLIENT) or not self["purpose"].value()


class ChangeForm(ChangeContentForm):
    """A new change; `initial` is the present state. Without a difference it is refused."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields(["scopes", "reason", "purpose"])  # the names are folded, below

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and _comparable(data) == _comparable(self.initial):
            raise forms.ValidationError(_("You changed nothing. Change what you need, or cancel."))
        return data


class NewContentForm(ContentForm):
    """The content of a new client: also its scenario."""

    scenario = forms.ChoiceField(
        label=_("How does it get its tokens?"),
        choices=[(Scenario.CLIENT_CREDENTIALS.value, _("As itself, without a user (client credentials)")),
                 (WITH_USERS, _("For users who sign in (authorization code)"))],
        initial=Scenario.CLIENT_CREDENTIALS.value,
        error_messages={"required": _("Choose a scenario."), "invalid_choice": _("Choose a scenario.")},
        widget=forms.RadioSelect,
    )  # fmt: skip
    disabled_choices: ClassVar = {"scenario": (WITH_USERS,)}
    hints: ClassVar = {
        "scenario": {
            Scenario.CLIENT_CREDENTIALS: _("For software of your own organisation, such as a nightly job."),
            WITH_USERS: _("Not offered here. Ask the help desk which service has it."),
        }
    }

    def clean_scenario(self) -> str:
        chosen = str(self.cleaned_data["scenario"])
        if chosen not in Scenario.values:
            raise forms.ValidationError(_("This scenario is not offered here."))
        return chosen


class RequestForm(NewContentForm):
    """The public form, with the person who asks."""

    contact_name = Line(
        label=_("Your name"),
        max_length=150,
        error_messages={"required": _("Enter your name.")},
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    contact_email = email_field(
        _("Your work e-mail address"), _("We mail you a code now, and later the link to manage the client.")
    )


class MessageForm(forms.Form):
    text = Text(
        label=_("Your message"),
        max_length=4000,
        error_messages={"required": _("Write your message first.")},
        widget=forms.Textarea(attrs={"rows": 4}),
        validators=[no_secret],
    )


def filled_from(known: Client | Registration) -> dict[str, object]:
    """Return initial values: a client as it is, or a request as it was sent."""
    return {**known.texts, "scopes": list(known.scopes.values_list("name", flat=True))}


def _comparable(content: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the content without the differences that browsers make in line ends."""
    texts = {name: content[name].split() for name in OF_CLIENT}
    return texts | {"scopes": sorted(str(scope) for scope in content["scopes"])}


def _hint(scope: Scope) -> str:
    described = scope.described_in(get_language() or "")
    sensitive = str(_("Sensitive: two reviewers decide.")) if scope.sensitive else ""
    ends = _("It ends on %(day)s.") % {"day": day(scope.retires_at)} if scope.is_deprecated else ""
    notes = [note for note in (sensitive, ends) if note]
    return " ".join([f"{described.removesuffix('.')}.", *notes]) if notes else described
