"""Staff as contacts see them: the Security team, without name and address."""

from __future__ import annotations

from collections.abc import Collection

from django.utils.translation import gettext as _

from clients.models import User


def staff_addresses() -> frozenset[str]:
    """Mail addresses of everybody who is, or was, on the staff."""
    return frozenset(User.objects.exclude(role=User.Role.CONTACT).values_list("email", flat=True))


def without_name(label: str, staff: Collection[str]) -> str:
    """A label as it is; of a member of staff the address alone. `staff`: of staff_addresses."""
    address = label.rpartition(" <")[2].rstrip(">")
    return address if address.lower() in staff else label


def as_contacts_see(label: str, staff: Collection[str]) -> str:
    """Return "Lotte Verhaeghe <lotte@leiestroom.example>" as it is; a member of staff or a command without a name.

    For labels that rows keep: who added a key, who made a secret. `staff`: of staff_addresses.
    """
    address = label.rpartition(" <")[2].rstrip(">")
    return _("the Security team") if "@" not in address or address.lower() in staff else label
