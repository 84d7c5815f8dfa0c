"""The rule for a new password that Django does not word in every language of ours."""

from django.contrib.auth.password_validation import MinimumLengthValidator
from django.utils.translation import gettext as _


class MinimumLength(MinimumLengthValidator):
    """Refuse a short password in words of ours: Django's have no Dutch."""

    def get_error_message(self) -> str:
        return _("The password needs at least %(n)s characters.") % {"n": self.min_length}
