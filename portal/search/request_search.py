"""Search of the Security team for requests, and the lists of its queue."""

from __future__ import annotations

from functools import reduce
from operator import or_

from django.db.models import Q

from clients.models import Registration
from clients.models.registration import RegistrationQuerySet
from clients.organisations import numbers as organisation_numbers
from portal.search.staff_search import registration_number

SEARCH_COLUMNS = ("client_name", "organisation", "contact_name", "contact_email")


def matching(text: str) -> RegistrationQuerySet:
    """Return the confirmed requests with this number, also the organisation's, or this part of a name or an address."""
    named = (Q(**{f"{column}__icontains": text}) for column in SEARCH_COLUMNS)
    numbered = registration_number(text)
    exact = Q(pk=numbered.pk if numbered else None) | Q(organisation_number=organisation_numbers.normal(text))
    either = reduce(or_, named, exact)
    return Registration.objects.confirmed().filter(either)
