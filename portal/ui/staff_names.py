"""Staff as contacts see them: the Security team, without name and address."""

from __future__ import annotations

from collections.abc import Collection

from django.utils.translation import gettext as _

from clients.models import User


def staff_addresses() -> frozenset[str]:
    """Return the mail addresses of all present and former staff."""
    return frozenset(User.objects.staff().values_list("email", flat=True))


def without_name(label: str, staff: Collection[str]) -> str:
    """Return a label; for a member of staff the address alone. `staff`: from staff_addresses."""
    address = label.rpartition(" <")[2].rstrip(">")
    return address if address.lower() in staff else label


def as_contacts_see(label: str, staff: Collection[str]) -> str:
    """Return "Lotte Verhaeghe <lotte@leiestroom.example>" unchanged, a member of staff or a command without a name.

    For labels kept in rows: who added a key or made a secret. `staff`: from staff_addresses.
    """
    address = label.rpartition(" <")[2].rstrip(">")
    return _("the Security team") if "@" not in address or address.lower() in staff else label
