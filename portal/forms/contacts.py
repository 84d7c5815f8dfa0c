from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clients.models import ClientContact
from portal.forms.fields import Line, PhoneNumber, email_field
from portal.forms.reason import ReasonForm

Role = ClientContact.Role


class ContactForm(forms.Form):
    name = Line(label=_("Name"), max_length=150, error_messages={"required": _("Enter their name.")})
    email = email_field(_("Work e-mail address"), _("We mail them a link to this client."))
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, widget=forms.RadioSelect)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.hints = {
            "role": {
                Role.OWNER.value: _("Also adds, changes and removes contacts."),
                Role.EDITOR.value: _("Sees everything, and manages keys, secrets and tokens."),
            }
        }

    def clean_role(self) -> ClientContact.Role:
        return Role(self.cleaned_data["role"])


class PhoneForm(forms.Form):
    """The number at which the Security team calls a contact; empty: none."""

    phone = PhoneNumber(
        label=_("Telephone number"),
        help_text=_("With + and the code of the country, like +32 2 123 45 67. Leave it empty to remove it."),
        required=False,
    )


class StaffPhoneForm(ReasonForm, PhoneForm):
    """The number of a contact that a member of the Security team changes."""

    field_order = ("phone", "reason")


class ContactReasonForm(ReasonForm):
    """The reason of an act on a contact, which an owner confirms where it takes two people."""

    reason_help = _(
        "Stays in the change log. Where it takes two people, the owners read it too. Add a case number if you have one."
    )


class StaffContactForm(ContactReasonForm, ContactForm):
    """A contact that a member of the Security team adds."""
