"""Rules for new passwords, in words of ours where Django lacks a language."""

from django.contrib.auth.password_validation import MinimumLengthValidator
from django.utils.translation import gettext as _


class MinimumLength(MinimumLengthValidator):
    """Refuse a short password in words of ours: Django's are not translated into Dutch."""

    def get_error_message(self) -> str:
        return _("The password needs at least %(n)s characters.") % {"n": self.min_length}
