"""A client as a row of its contact's first page: how it is, what ends next, and the one act that it asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clients.expiry import EXPIRY_NOTICE
from clients.models import Client
from portal.pages.contact import overview
from portal.pages.contact.overview import Facts, Todo
from portal.ui.client_page.credential_rows import ends_in
from portal.ui.client_page.time_line import Line
from portal.ui.dates import ago, day, moment

LAST, BARS = 10**9, 14  # after every real rank; days
FILTERS = ("failing", "ends", "replacing", "renews")  # of ?show=


@dataclass(frozen=True)
class Row:
    facts: Facts
    next_end: Line | None  # of what works; none without any
    last_token_at: datetime | None
    month: Mapping[str, Any] = field(default_factory=dict)  # portal.ui.usage_chart's chart; empty without any

    def with_month(self, month: Mapping[str, Any] | None) -> Row:
        return replace(self, month=month or {})

    @property
    def client(self) -> Client:
        return self.facts.client

    @property
    def todos(self) -> list[Todo]:
        """The things to do, the most urgent first."""
        return [*overview.todos(self.facts), *self._first_token()]

    @property
    def todo(self) -> Todo | None:
        return next(iter(self.todos), None)

    @property
    def needs_you(self) -> bool:
        return not self.client.is_active or any(todo.state != "info" for todo in self.todos) or self.is_unused

    @property
    def refused(self) -> int:
        return int(self.facts.refused.get("count", 0))

    @property
    def is_unused(self) -> bool:
        """Return whether the client may get tokens, and never got one."""
        return self.client.is_active and self.client.may_request_tokens and not self.last_token_at

    @property
    def is_down(self) -> bool:
        """Return whether its last HTTP request was refused, and it got no token since."""
        return bool(self.refused) and (not self.last_token_at or self.facts.refused["last"] > self.last_token_at)

    @property
    def ends_soon(self) -> bool:
        end = self.next_end.end_at if self.next_end else None
        return end is not None and end <= self.facts.now + EXPIRY_NOTICE

    @property
    def ends(self) -> str:
        """In how long the next end is, as the warnings count the days."""
        return ends_in(self.next_end.end_at, self.facts.now) if self.next_end else ""

    @property
    def renews(self) -> str:
        """How it goes on without a person, in words; empty if somebody renews it by hand."""
        if self.facts.jwks_uri:
            return _("keys at an address of yours")
        issuers = [trust.issuer.name for trust in self.client.trusts.all() if trust.works(self.facts.now)]
        return _("vouched by %(name)s") % {"name": issuers[0]} if issuers else ""

    @property
    def state(self) -> tuple[str, str, str]:
        """Return the colour and words of its tag, and a note beside it."""
        return next(self._states())

    def _states(self) -> Iterator[tuple[str, str, str]]:
        """Yield what could be said of it, the most important first."""
        condition = self.facts.condition
        refused = ngettext("%(n)s refused in 24 hours", "%(n)s refused in 24 hours", self.refused) % {"n": self.refused}
        note = refused if self.refused else ""
        if not self.client.is_active:
            yield condition.state, condition.words, _("it gets no tokens")
        if self.is_down:
            since = _("No tokens since %(moment)s") % {"moment": moment(self.last_token_at)}
            yield "bad", since if self.last_token_at else _("No token yet"), note
        if replacing := condition.rotation:
            words = _("Replacing a secret") if replacing.is_secret else _("Replacing a key")
            new = _("the new one is in use, too") if replacing.new_used_at else _("the new one is not used yet")
            said = _("Not replaced") if replacing.has_stopped else words
            yield condition.state, said, " · ".join(filter(None, [new, note]))
        if condition.state in ("warn", "bad"):
            yield condition.state, condition.words, note or (_("no successor yet") if self.next_end else "")
        if self.refused:
            yield "warn", refused, ""
        if self.facts.suspended_at:
            until = _("to be suspended on %(day)s") % {"day": day(self.facts.suspended_at)}
            yield "warn", _("Not used"), until
        if self.is_unused:
            yield (
                "info",
                _("Waiting for its first token"),
                _("made %(ago)s") % {"ago": ago(self.client.created_at, self.facts.now)},
            )
        if self.todo and self.todo.state != "info":
            yield self.todo.state, self.todo.text, self.todo.note
        yield condition.state, _("Renews itself") if self.renews else condition.words, self.renews

    def _first_token(self) -> Iterator[Todo]:
        if self.is_unused:
            page = self.facts.page("first_token")
            yield Todo("info", _("Waiting for its first token"), "", page, _("Get the first token"))

    @property
    def bars(self) -> list[Mapping[str, int]]:
        return list(self.month["days"][-BARS:]) if self.month else []

    def is_in(self, chosen: str) -> bool:
        """Return whether a filter has it; each has with ""."""
        return {
            "failing": bool(self.refused),
            "ends": self.ends_soon,
            "replacing": self.facts.condition.rotation is not None,
            "renews": bool(self.renews),
        }.get(chosen, True)

    @property
    def order(self) -> tuple[object, ...]:
        """Those that need their contact first, by urgency; then the next end first."""
        end = self.next_end.end_at.timestamp() if self.next_end and self.next_end.end_at else LAST * 1000
        urgency = ("bad", "warn").index(self.state[0]) if self.state[0] in ("bad", "warn") else 2
        return not self.needs_you, urgency if self.needs_you else 0, end, self.client.name.lower(), self.client.pk
