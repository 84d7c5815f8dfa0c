"""The contact's first page: the state of each of their clients."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from audit.models import Entry
from clients.models import Client, Key, Registration, Secret
from portal.explanations.refused_requests import last_24_hours
from portal.guards.access import contact
from portal.ui import usage_chart
from portal.ui.client_health import Condition, last_use, of_client, signs_in_with
from portal.ui.client_page.time_line import Line, lines
from portal.ui.log_entries import contacts_among, name_for_contacts, sentence
from portal.ui.rotation import ROTATION_MEMORY
from portal.web.http_request import Request
from tokens.models import CredentialUse

MAX_RECENT_CHANGES = 5


@dataclass(frozen=True)
class Row:
    """A client as its card shows it."""

    client: Client
    condition: Condition
    signs_in_with: list[str]
    lines: list[Line]  # one for each credential
    last_token_at: datetime | None
    refused: int  # in the last 24 hours
    causes: int
    month: dict[str, object] | None  # portal.ui.usage_chart's chart of 30 days; none without any

    @property
    def waits_for_first_token(self) -> bool:
        """Whether the client may get tokens, and never got one."""
        return self.client.status == Client.Status.ACTIVE and self.client.may_request_tokens and not self.last_token_at

    @property
    def is_well(self) -> bool:
        return self.condition.rank >= 3 and not self.refused and not self.waits_for_first_token

    @property
    def next_end(self) -> Line | None:
        """The credential that expires next, by the order of the lines."""
        return self.lines[0] if self.lines and self.lines[0].end_at else None


@contact
@require_safe
def home(request: Request) -> HttpResponse:
    rows = _rows(request)
    refs = {str(row.client.uid): row.client for row in rows}
    changes = list(Entry.objects.of_client(*refs)[:MAX_RECENT_CHANGES]) if refs else []
    contacts = contacts_among(changes)
    context = {
        "rows": rows,
        "urgent": next((row for row in rows if row.condition.rank in (1, 2)), None),
        "all_well": bool(rows) and all(row.is_well for row in rows),
        "unused": next((row for row in rows if row.waits_for_first_token), None),
        "organisations": sorted({row.client.organisation for row in rows}),
        "changes": [(entry.at, _told(entry, contacts), refs[entry.client_ref]) for entry in changes],
        "open_requests": list(Registration.objects.by(request.user).open()[:20]),
        "now": request.now,
    }
    return render(request, "contact/home.html", context)


def _told(entry: Entry, contacts: set[str]) -> str:
    return sentence(entry, name_for_contacts(entry, by_contact=entry.actor_id in contacts))


def _rows(request: Request) -> list[Row]:
    """Return every client with the data of its card, most urgent first, in a fixed number of queries."""
    now = request.now
    keys = Prefetch("keys", Key.objects.shown())
    secrets = Prefetch("secrets", Secret.objects.usable(now - ROTATION_MEMORY))
    clients = list(Client.objects.of(request.user).prefetch_related(keys, secrets, "scopes", "trusts__issuer"))
    uses: dict[int, dict[str, CredentialUse]] = defaultdict(dict)
    for use in CredentialUse.objects.of(*clients):
        uses[use.client_id][use.credential] = use
    refused, months = last_24_hours(clients, now), usage_chart.of_each(clients, now)
    rows = [_row(client, uses[client.pk], refused.get(client.pk, {}), months.get(client.pk), now) for client in clients]
    return sorted(rows, key=lambda row: (row.condition.rank, row.client.name.lower()))


def _row(
    client: Client,
    uses: dict[str, CredentialUse],
    refused: dict[str, int],
    month: dict[str, object] | None,
    now: datetime,
) -> Row:
    keys, secrets, trusts = list(client.keys.all()), list(client.secrets.all()), list(client.trusts.all())
    return Row(
        client=client,
        condition=of_client(client, keys, secrets, uses, now, trusts),
        signs_in_with=signs_in_with(client, keys, secrets, now, trusts),
        lines=lines(client, keys, secrets, trusts, uses, now),
        last_token_at=last_use(uses),
        refused=refused.get("count", 0),
        causes=refused.get("causes", 0),
        month=month,
    )
