"""The one search of the header: hits of every kind for a text, grouped, the most exact first.

Each group is one query by an index that reads GROUP_SIZE rows and one more, so that a text that fits half of the
clients costs no more than one that fits three.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import islice

from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from audit.models import Entry
from clients.models import Api, Client, Key, Registration, Scope, Secret, User
from clients.models.registration import RegistrationQuerySet
from portal.search import docs_search, request_search, staff_search
from portal.ui import log_entries
from portal.ui.dates import moment
from tokens.acts.uses import evidence
from tokens.models import JournalEntry

GROUP_SIZE = 5  # hits
Text = str | Promise


@dataclass(frozen=True)
class Hit:
    title: str
    url: str
    detail: str = ""
    code: str = ""  # in letters that cannot be mixed up: a client id, a key id, an address


@dataclass(frozen=True)
class Group:
    title: Text
    icon: str
    hits: list[Hit]
    more_url: str = ""  # the page with all of them, if there are more


@dataclass(frozen=True)
class Kind:
    """Kind of hits. `find` yields them for a text; `more` names a list page and the field that takes the text."""

    title: Text
    icon: str
    find: Callable[[str], Iterable[Hit]]
    more: tuple[str, str] | None = None

    def group(self, text: str) -> Group:
        found = list(self.find(text))
        more = reverse(self.more[0], query={self.more[1]: text}) if self.more and len(found) > GROUP_SIZE else ""
        return Group(self.title, self.icon, found[:GROUP_SIZE], more)


def of_security(text: str) -> list[Group]:
    return _groups(OF_SECURITY, text)


def of_auditor(text: str) -> list[Group]:
    return _groups(OF_AUDITOR, text)


def of_everybody(text: str) -> list[Group]:
    return _groups((_DOCUMENTATION,), text)


def of_contact(text: str, user: User) -> list[Group]:
    """Return hits among this person's own clients and requests; nothing tells whether others have such a thing."""
    mine = list(Client.objects.of(user))
    return _groups(
        (
            Kind(_("Refused requests"), "bad", lambda text: _refusals(JournalEntry.objects.of(*mine), text)),
            Kind(_("My clients"), "key", lambda text: _own_clients(mine, text)),
            Kind(_("Requests"), "file", lambda text: _requests_of(Registration.objects.by(user), text)),
            _DOCUMENTATION,
        ),
        text,
    )


def _groups(kinds: Iterable[Kind], text: str) -> list[Group]:
    return [group for kind in kinds if (group := kind.group(text)).hits]


def _some[Row](rows: Iterable[Row]) -> Iterable[Row]:
    """Return the rows to show and one more, which tells that there are more."""
    return rows[: GROUP_SIZE + 1] if isinstance(rows, QuerySet) else list(rows)[: GROUP_SIZE + 1]


# --- What a text names exactly --------------------------------------------------------------------------------------
def _refused(text: str) -> Iterator[Hit]:
    if url := staff_search.refusal_address(text):
        yield Hit(_("Why this HTTP request was refused"), url, code=text)


def _refusals(entries: QuerySet[JournalEntry], text: str) -> Iterator[Hit]:
    if staff_search.REQUEST_ID.fullmatch(text) and entries.filter(Q(request_id=text) | Q(why=text)).exists():
        yield Hit(_("Why this HTTP request was refused"), reverse("public:why", args=[text]), code=text)


def _entries(text: str) -> Iterator[Hit]:
    """Yield the entry with this number, and the acts of an HTTP request."""
    number = text.lstrip("#").replace(".", "").replace(",", "").replace("\N{NARROW NO-BREAK SPACE}", "")
    if number.isascii() and number.isdigit() and len(number) < 19:
        yield from map(_entry, Entry.objects.filter(seq=int(number)))
    if staff_search.REQUEST_ID.fullmatch(text):
        yield from map(_entry, _some(Entry.objects.with_request_id(text)))
    if address := _address(text):
        yield from map(_entry, _some(Entry.objects.from_address(address)))


def _entry(entry: Entry) -> Hit:
    url = reverse("auditor:log_entry", args=[entry.seq])
    return Hit(log_entries.sentence(entry), url, moment(entry.at), code=str(entry.seq))


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        return ""


def _networks(text: str) -> Iterator[Hit]:
    """Yield the clients that were used from an address, or refused at it, the most recent first."""
    if not (address := _address(text)):
        return
    uses = evidence.from_address(address).values("client__name", "client__uid", "network").annotate(
        tokens=Sum("issued"), no=Sum("refused"), first=Min("first_at"), last=Max("last_at")
    )  # fmt: skip
    for row in _some(uses.order_by("-last")):
        words = _("%(tokens)s tokens, %(refused)s refused, %(first)s to %(last)s") % {
            "tokens": row["tokens"], "refused": row["no"], "first": moment(row["first"]), "last": moment(row["last"]),
        }  # fmt: skip
        url = reverse("security:client", args=[row["client__uid"]])
        yield Hit(row["client__name"], f"{url}#networks", words, row["network"])


def _credentials(text: str) -> Iterator[Hit]:
    """Yield keys by identifier or a part of the certificate's subject, and secrets by their last characters."""
    keys = Key.objects.select_related("client").order_by("-added_at")
    for key in _some(keys.named(text)) or _some(_by_subject(keys, text)):
        url = reverse("security:client", args=[key.client.uid])
        yield Hit(f"{key.get_kind_display()}, {key.client.name}", f"{url}#keys", _key_detail(key), key.kid)
    if hint := staff_search.HINT.fullmatch(text):
        for secret in _some(Secret.objects.filter(hint=hint[1]).select_related("client").order_by("-created_at")):
            url = reverse("security:client", args=[secret.client.uid])
            title = _("Secret …%(hint)s") % {"hint": secret.hint}
            yield Hit(f"{title}, {secret.client.name}", f"{url}#secrets", moment(secret.created_at))


def _key_detail(key: Key) -> str:
    """Return the subject, serial number and end of a certificate, or the end of a bare key."""
    serial = _("serial number %(serial)s") % {"serial": key.serial} if key.serial else ""
    end = _("until %(end)s") % {"end": moment(key.end_at)} if key.end_at else ""
    return ", ".join(filter(None, [key.subject, serial, end]))


def _by_subject(keys: QuerySet[Key], text: str) -> QuerySet[Key]:
    """Return the keys in no order: a subject that half of the keys have costs no more than a rare one."""
    return keys.order_by().filter(subject__icontains=text) if len(text) >= staff_search.MIN_PART else keys.none()


# --- What a text is a part of ---------------------------------------------------------------------------------------
def _clients(text: str) -> Iterator[Hit]:
    for client in staff_search.first_clients_for(text, GROUP_SIZE + 1):
        yield _client(client, reverse("security:client", args=[client.uid]))


def _histories(text: str) -> Iterator[Hit]:
    for client in staff_search.first_clients_for(text, GROUP_SIZE + 1):
        yield _client(client, reverse("auditor:client_at", args=[client.uid]))


def _client(client: Client, url: str) -> Hit:
    state = "" if client.is_active else f", {client.get_status_display()}"
    return Hit(client.name, url, f"{client.organisation}{state}", client.client_id)


def _own_clients(mine: list[Client], text: str) -> Iterator[Hit]:
    """Yield those of the few clients that a contact has, by name, organisation, id or key."""
    by_key = set(Key.objects.filter(client__in=mine).named(text).values_list("client_id", flat=True))
    for client in mine:
        texts = (client.name, client.organisation, client.client_id)
        if client.pk in by_key or any(text.casefold() in own.casefold() for own in texts):
            yield _client(client, reverse("contact:client", args=[client.uid]))


def _organisations(text: str) -> Iterator[Hit]:
    names = Client.objects.order_by().filter(organisation__icontains=text)
    for name in _some(names.values_list("organisation", flat=True).distinct()):
        yield Hit(name, reverse("security:clients", query={"organisation": name}))


def _requests(text: str) -> Iterator[Hit]:
    for found in _some(request_search.matching(text).order_by("-pk")):
        yield _request(found, reverse("security:review", args=[found.uid]))


def _requests_of(own: RegistrationQuerySet, text: str) -> Iterator[Hit]:
    for found in own:
        if text.casefold() in f"{found.number} {found.client_name} {found.organisation}".casefold():
            yield _request(found, reverse("contact:request", args=[found.uid]))


def _request(found: Registration, url: str) -> Hit:
    return Hit(f"{found.number} {found.client_name}", url, f"{found.organisation}, {found.get_status_display()}")


def _people(text: str) -> Iterator[Hit]:
    people = User.objects.filter(Q(name__icontains=text) | Q(email__icontains=text), role=User.Role.CONTACT)
    some = list(people.order_by().values_list("pk", flat=True)[: GROUP_SIZE + 1])  # so a frequent word costs no more
    counted = User.objects.filter(pk__in=some).annotate(clients=Count("contact_of")).order_by("name", "pk")
    for person in counted:
        words = ngettext("%(n)s client", "%(n)s clients", person.clients) % {"n": person.clients}
        url = reverse("security:clients", query={"q": person.email})
        yield Hit(person.name or person.email, url, words, person.email)


def _catalogue(text: str) -> Iterator[Hit]:
    for scope in _some(Scope.objects.filter(name__icontains=text).select_related("api").order_by("name")):
        yield Hit(scope.name, reverse("security:change_scope", args=[scope.pk]), scope.api.name)
    for api in _some(Api.objects.filter(Q(name__icontains=text) | Q(identifier__iexact=text)).order_by("name")):
        yield Hit(api.name, reverse("security:change_api", args=[api.identifier]), _("API"))


def _scope_histories(text: str) -> Iterator[Hit]:
    for scope in _some(Scope.objects.filter(name__icontains=text).select_related("api").order_by("name")):
        yield Hit(scope.name, reverse("auditor:change_log", query={"client": scope.name}), scope.api.name)


def _documentation(text: str) -> Iterator[Hit]:
    for section, excerpt in islice(docs_search.sections_for(text), GROUP_SIZE):
        title = section.title
        if title != section.page_title:
            title = _("%(name)s: %(value)s") % {"name": section.page_title, "value": title}
        yield Hit(title, section.url, excerpt)


_DOCUMENTATION = Kind(gettext_lazy("Documentation"), "file", _documentation)
_LOG = Kind(gettext_lazy("Change log"), "list", _entries)
OF_SECURITY = (
    Kind(gettext_lazy("Refused requests"), "bad", _refused),
    Kind(gettext_lazy("Organisations"), "people", _organisations, ("security:clients", "organisation")),
    Kind(gettext_lazy("Clients"), "key", _clients, ("security:clients", "q")),
    Kind(gettext_lazy("Used from this address"), "globe", _networks, ("security:clients", "q")),
    Kind(gettext_lazy("Requests"), "file", _requests, ("security:queue", "q")),
    Kind(gettext_lazy("People"), "person", _people, ("security:clients", "q")),
    Kind(gettext_lazy("Keys and secrets"), "key", _credentials, ("security:clients", "q")),
    Kind(gettext_lazy("Scopes and APIs"), "shield", _catalogue),
    _LOG,
    _DOCUMENTATION,
)
OF_AUDITOR = (
    Kind(gettext_lazy("Clients"), "key", _histories),
    Kind(gettext_lazy("Scopes"), "shield", _scope_histories),
    _LOG,
    _DOCUMENTATION,
)
