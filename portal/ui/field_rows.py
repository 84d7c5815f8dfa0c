"""The fields of a request or a client with their labels, and the fields of a change as before and after."""

from collections.abc import Collection

from audit.actions import FIELDS
from clients.fields import CONTENT_FIELDS, Kind
from clients.models import Client, Registration
from portal.ui import log_entries


def rows(known: Client | Registration, *, without: Collection[str] = ()) -> list[dict[str, object]]:
    """Return the filled fields, without those about the person: pages show them with the address."""
    texts = known.texts
    return [
        {
            "name": field.name,
            "label": FIELDS[field.log],
            "lines": log_entries.value(field.log, texts[field.name]).splitlines(),
            "long": field.kind == Kind.TEXT,
        }
        for field in CONTENT_FIELDS
        if not field.person and field.name not in without and texts.get(field.name)
    ]


def differences(registration: Registration) -> list[dict[str, str]]:
    """Return what a change would change, as components/diff.html wants it; nothing for a new client."""
    client = registration.client
    if registration.kind != Registration.Kind.CHANGE or client is None:
        return []
    held, asked = client.texts, registration.texts
    pairs = [(field.log, held[field.name], asked[field.name]) for field in CONTENT_FIELDS if field.client]
    scopes = " ".join(client.scopes.order_by("name").values_list("name", flat=True))
    pairs.append(("scopes", scopes, " ".join(sorted(row.scope.name for row in registration.asked.all()))))
    return [{"field": str(FIELDS[name]), "before": old, "after": new} for name, old, new in pairs if old != new]
