"""The overview of a client: four figures, and the things that need its contacts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from clients.expiry import EXPIRY_NOTICE
from clients.models import Client, ClientNetwork, JwksUri, Recertification, Registration, Scope, Trust
from portal.ui.client_health import Condition, ending_trust, expires_in, secret_expires_in, trust_expires_in
from portal.ui.client_page.credential_rows import CredentialRow
from portal.ui.dates import ago, day, moment

MAX_SHOWN = 4  # of what needs attention; the rest unfolds


@dataclass(frozen=True)
class Figure:
    """A cell of the overview line; `state` is ok, warn, bad or info."""

    label: str
    value: str
    note: str
    state: str
    url: str


@dataclass(frozen=True)
class Todo:
    """A thing that needs attention, with the one act that it asks for."""

    state: str
    text: str
    note: str
    url: str
    action: str


@dataclass(frozen=True)
class Coming:
    """A bound of the policy that will refuse what the client did lately, in words."""

    told: str
    since: datetime
    todo: str


@dataclass(frozen=True)
class Facts:
    """Facts about a client that its overview is made of."""

    client: Client
    condition: Condition
    rows: Sequence[CredentialRow]
    refused: Mapping[str, Any]  # in the last 24 hours: count, causes, last
    last_token_at: datetime | None  # with any key, secret or trust, also one that works no more
    coming: Sequence[Coming]
    ending_scopes: Sequence[Scope]  # with their successors
    suspended_at: datetime | None  # because nobody uses it; none on its own page, which asks above all else
    jwks_uri: JwksUri | None
    asked_network: ClientNetwork | None
    recertification: Recertification | None  # the open question
    open_request: Registration | None
    asked_by: str  # who asked for it, if not the reader
    now: datetime

    def page(self, name: str, *args: object) -> str:
        return reverse(f"contact:{name}", args=[self.client.uid, *args])

    @property
    def trusts(self) -> list[Trust]:
        """Return those that work; those of a client that is not active do not."""
        found = [row.credential for row in self.rows if isinstance(row.credential, Trust)]
        return [trust for trust in found if self.client.is_active and trust.works(self.now)]

    @property
    def journal(self) -> str:
        return f"{reverse('contact:failures')}?client={self.client.uid}&days=1"


def figures(facts: Facts) -> list[Figure]:
    return [_state(facts), _next_end(facts), _last_token(facts), _refused(facts)]


def _state(facts: Facts) -> Figure:
    condition, page = facts.condition, facts.page("credentials")
    ways = [row for row in facts.rows if row.card.state != "mute"]
    note = ngettext("%(n)s way to authenticate", "%(n)s ways to authenticate", len(ways)) % {"n": len(ways)}
    if replacing := condition.rotation:
        value = _("Not replaced") if replacing.has_stopped else _("Replacing")
        note = _("the new one is in use, too") if replacing.new_used_at else _("the new one is not used yet")
        return Figure(_("State"), value, note, condition.state, f"{page}#rotation")
    return Figure(_("State"), condition.words, note, condition.state, page)


def _next_end(facts: Facts) -> Figure:
    page = facts.page("credentials")
    ends = sorted((row.end_at, row.name, row) for row in facts.rows if row.end_at)
    if not ends:
        none = pgettext("end of a key or secret", "None")
        return Figure(_("Next end"), none, _("nothing that works has an end date"), "info", page)
    end, name, row = ends[0]
    state = "warn" if end <= facts.now + EXPIRY_NOTICE else "ok"
    note = _("%(name)s, %(moment)s") % {"name": name, "moment": moment(end)}
    return Figure(_("Next end"), capfirst(row.ends), note, state, f"{page}#{row.kind}-{row.credential.uid}")


def _last_token(facts: Facts) -> Figure:
    at = facts.last_token_at
    if at is None:
        words = _("no key or secret has been used yet")
        return Figure(_("Last token"), capfirst(ago(None)), words, "info", facts.page("tokens"))
    name = next((row.name for row in facts.rows if row.use and row.use.last_used_at == at), "")
    note = _("%(moment)s, with %(name)s") % {"moment": moment(at), "name": name} if name else moment(at)
    return Figure(_("Last token"), capfirst(ago(at, facts.now)), note, "ok", facts.page("tokens"))


def _refused(facts: Facts) -> Figure:
    count, causes = facts.refused.get("count", 0), facts.refused.get("causes", 0)
    note = ngettext("%(n)s cause, with its fix", "%(n)s causes, each with its fix", causes) % {"n": causes}
    state, note = ("bad", note) if count else ("ok", _("nothing to fix"))
    return Figure(_("Refused, 24 hours"), str(count), note, state, facts.journal)


def todos(facts: Facts) -> list[Todo]:
    """Return what needs attention, the most urgent first."""
    found = [*_of_requests(facts), *_of_ends(facts), *_of_credentials(facts), *_of_the_rest(facts)]
    return sorted(found, key=lambda todo: ("bad", "warn", "info").index(todo.state))


def _of_requests(facts: Facts) -> Iterator[Todo]:
    if count := facts.refused.get("count", 0):
        words = ngettext("%(n)s request refused in 24 hours", "%(n)s requests refused in 24 hours", count)
        yield Todo("bad", words % {"n": count}, _("Each cause with its fix"), facts.journal, _("See the fix"))


def _of_ends(facts: Facts) -> Iterator[Todo]:
    """Yield what ends soon, the first end first; a key and a trust do not stand in for each other."""
    now, page, ends = facts.now, facts.page("credentials"), []
    if key := facts.condition.key:
        ends.append((key.own_end or now, expires_in(key.own_end, now), facts.page("add_key"), _("Add the next key")))
    if secret := facts.condition.secret:
        url = f"{page}#secret-{secret.uid}"
        ends.append((secret.expires_at or now, secret_expires_in(secret, now), url, _("See the secret")))
    if trust := ending_trust(facts.trusts, now):
        url = f"{page}#trust-{trust.uid}"
        ends.append((trust.expires_at or now, trust_expires_in(trust, now), url, _("Extend the trust")))
    for end, words, url, action in sorted(ends):
        yield Todo("warn", words, moment(end), url, action)


def _of_credentials(facts: Facts) -> Iterator[Todo]:
    condition, page = facts.condition, facts.page("credentials")
    if replacing := condition.rotation:
        note = _("Its end: %(moment)s") % {"moment": moment(replacing.stops_at)}
        yield Todo(condition.state, condition.words, note, f"{page}#rotation", _("See what is left to do"))
    elif condition.state == "bad" and facts.client.is_active:
        yield Todo("bad", condition.words, _("No key, secret or trust works."), page, _("See the credentials"))
    for row in facts.rows:
        for one in row.known_outside:
            words = {"person": one.user.shown_to_contacts, "id": row.shown_id, "day": day(one.at)}
            text = _("%(person)s saw the secret %(id)s on %(day)s") % words
            note, url = _("No contact any more, and the secret works"), facts.page("regenerate_secret")
            yield Todo("warn", text, note, url, _("Replace the secret"))
    if facts.jwks_uri and facts.jwks_uri.problem:
        text, url = _("Its keys cannot be fetched"), facts.page("jwks_uri")
        yield Todo("bad", text, facts.jwks_uri.url, url, _("See the address"))
    for bound in facts.coming:
        when = {"left": ago(bound.since, facts.now), "day": day(bound.since)}
        text = _("Something that this client uses stops working %(left)s, on %(day)s") % when
        yield Todo("warn", text, bound.told, f"{page}#policy", _("See what to do"))


def _of_the_rest(facts: Facts) -> Iterator[Todo]:
    client = facts.client
    if question := facts.recertification:
        page, until = facts.page("recertify"), {"day": day(question.answer_by)}
        is_late = question.is_late(facts.now)
        note = _("It was to be confirmed before %(day)s") if is_late else _("Please confirm it before %(day)s")
        state = "bad" if is_late else "warn"
        yield Todo(state, _("Is this client still needed?"), note % until, page, _("Look and confirm"))
    if network := facts.asked_network:
        text = _("First use from %(network)s") % {"network": network.network}
        yield Todo("warn", text, _("Was this you?"), facts.page("network", network.uid), _("Yes or no"))
    if client.self_service == client.SelfService.PAUSED and client.has_self_service:
        note = _("Turn it on again when everything that leaked is replaced")
        yield Todo("warn", _("It adds nothing by itself"), note, facts.page("self_service"), _("Turn it on"))
    if facts.suspended_at:
        text = _("It is suspended on %(day)s, because nobody uses it") % {"day": day(facts.suspended_at)}
        yield Todo("warn", text, _("Unless it is used before, or you keep it"), facts.page("client"), _("Keep it"))
    for scope in facts.ending_scopes:
        yield _of_ending_scope(scope, facts)
    if asked := facts.open_request:
        by = _("Asked by %(name)s") % {"name": facts.asked_by} if facts.asked_by else asked.get_status_display()
        url = reverse("contact:request", args=[asked.uid])
        yield Todo("info", _("A change is being reviewed"), by, url, _("See the request"))


def _of_ending_scope(scope: Scope, facts: Facts) -> Todo:
    """Return the thing to do about a deprecated scope; it is urgent when its end is near."""
    assert scope.retires_at is not None  # noqa: S101  (a deprecated scope has a date)
    state = "warn" if scope.retires_at <= facts.now + EXPIRY_NOTICE else "info"
    when = {"scope": scope.name, "left": ago(scope.retires_at, facts.now), "day": day(scope.retires_at)}
    text = _("The scope %(scope)s ends %(left)s, on %(day)s") % when
    if scope.successor is None:
        return Todo(state, text, scope.deprecation_reason, facts.page("propose_change"), _("Ask for another scope"))
    note = _("Instead: %(name)s") % {"name": scope.successor.name}
    return Todo(state, text, note, facts.page("propose_change"), _("Ask for its successor"))
