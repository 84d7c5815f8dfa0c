"""The forms of the review page. They only validate; clients/acts/review.py decides."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clients.models import Registration
from portal.forms.fields import Line, Text, no_secret

APPROVE, CHANGES, REJECT = "approve", "changes", "reject"
UNANSWERED = "unanswered"  # the contact was asked to change the request and did not: rejected


def legal_basis_field(scope: str) -> str:
    """Return the name of the field for the reference of this scope's legal basis."""
    return f"legal_basis_{scope}"


class DecisionForm(forms.Form):
    """`seen` is the content hash of the request on the page, `signals` the hash of the signals on it."""

    seen = forms.CharField(widget=forms.HiddenInput)
    signals = forms.CharField(widget=forms.HiddenInput, required=False)
    scopes = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    defaults = forms.MultipleChoiceField(
        label=_("Which of them are default scopes?"),
        help_text=_("Granted when a token request names no scope."),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    decision = forms.ChoiceField(label=_("Your decision"), widget=forms.RadioSelect)
    message = Text(
        label=_("Message to the contact"),
        help_text=_("Goes in the e-mail and the change log. Needed unless you approve everything."),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 4}),
        validators=[no_secret],
    )
    internal_note = Text(
        label=_("Internal note"),
        help_text=_("For the second reviewer and auditors. It goes in the change log, never in a mail."),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        validators=[no_secret],
    )

    def __init__(self, *args: Any, registration: Registration, may_approve: bool, final: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asked = {row.scope.name: row.scope for row in registration.asked.all()}
        names = [(name, name) for name in self.asked]
        decisions = [
            (APPROVE, _("Approve the ticked scopes")), (CHANGES, _("Ask for changes")), (REJECT, _("Reject"))
        ]  # fmt: skip
        fields: dict[str, Any] = self.fields
        for name in self._need_legal_basis(self.asked):
            fields[legal_basis_field(name)] = Line(
                label=_("Legal basis of %(scope)s") % {"scope": name},
                help_text=_("Reference of the law, contract or authorisation decision"),
                required=False, max_length=200, is_name=False,
            )  # fmt: skip
        fields["scopes"].choices = fields["defaults"].choices = names
        fields["decision"].choices = decisions if may_approve else decisions[1:]
        if registration.status == Registration.Status.CHANGES_REQUESTED:
            fields["decision"].choices = [(UNANSWERED, _("Reject"))]
        self.hints = {"decision": self._consequences(final)}

    def _consequences(self, final: bool) -> dict[str, Any]:
        approve = (
            _("The client is made or changed immediately, and the contact gets a mail.")
            if final
            else _("A sensitive scope needs a second approval, by someone else.")
        )
        return {
            APPROVE: approve,
            CHANGES: _("The contact can answer or edit the request. Reviews start again."),
            REJECT: _("For good. The contact can send a new request."),
        }

    def _need_legal_basis(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if self.asked[name].needs_legal_basis]

    @property
    def legal_bases(self) -> list[forms.BoundField]:
        """The fields for the references, one of each scope that needs one."""
        return [self[legal_basis_field(name)] for name in self._need_legal_basis(self.asked)]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        decision, granted = data.get("decision"), data.get("scopes", [])
        if decision == APPROVE and not granted:
            self.add_error("scopes", _("Tick at least one scope, or reject the request."))
        if decision in (CHANGES, REJECT, UNANSWERED) and not data.get("message"):
            self.add_error("message", _("Tell the contact what to change, or why you reject."))
        if decision == APPROVE and granted and set(granted) < set(self.asked) and not data.get("message"):
            self.add_error("message", _("Tell the contact why you leave scopes out."))
        data["legal_bases"] = {name: data.get(legal_basis_field(name), "") for name in self._need_legal_basis(granted)}
        for name, reference in data["legal_bases"].items():
            if decision == APPROVE and not reference:
                needed = _("Give the reference of the legal basis: %(scope)s can only be approved with one.")
                self.add_error(legal_basis_field(name), needed % {"scope": name})
        # A scope that is not granted cannot be a default one, so that unticking it once is enough.
        data["scopes"] = [self.asked[name] for name in granted]
        data["defaults"] = [self.asked[name] for name in data.get("defaults", []) if name in granted]
        return data


class MessageForm(forms.Form):
    text = Text(
        label=_("Write to the contact"),
        help_text=_("They get it by e-mail. The request stays as it is."),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        validators=[no_secret],
    )
