from django import forms
from django.utils.translation import gettext_lazy as _

from portal.forms.fields import email_field


class LinkForm(forms.Form):
    email = email_field(_("Work e-mail address"), _("The address that is registered as a contact."))
