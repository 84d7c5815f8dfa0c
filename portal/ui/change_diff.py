"""A change request as before and after, for those who ask it and those who decide."""

from django.utils.translation import gettext as _

from clients.models import Registration


def of_change(registration: Registration) -> list[dict[str, str]]:
    """As components/diff.html wants it; what stays is left out, and a request for a new client has none."""
    client = registration.client
    if registration.kind != Registration.Kind.CHANGE or client is None:
        return []
    held = " ".join(client.scopes.order_by("name").values_list("name", flat=True))
    asked = " ".join(sorted(row.scope.name for row in registration.asked.all()))
    pairs = [
        (_("Name"), client.name, registration.client_name),
        (_("Organisation"), client.organisation, registration.organisation),
        (_("What it does"), client.purpose, registration.purpose),
        (_("Scopes"), held, asked),
    ]
    return [{"field": label, "before": old, "after": new} for label, old, new in pairs if old != new]
