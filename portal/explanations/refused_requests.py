"""Refused HTTP requests by cause, each explained, counted, and followed until it no longer occurs.

All figures of refused requests come from tokens.models.RefusalCount, so that all pages agree; during a flood the
journal keeps only a part of the requests.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min, Sum

from clients.models import Client
from portal.explanations import Explanation, explain
from tokens.acts import successes
from tokens.acts.successes import Question, Successes
from tokens.models import CredentialUse, JournalEntry, JournalEntryQuerySet, RefusalCount, RefusalCountQuerySet
from tokens.protocol.errors import Rule

EXAMPLES = 4  # HTTP requests loaded for each cause
DAYS_KEPT = timedelta(days=30)  # tokens/tasks.py
RECENT = timedelta(hours=1)  # a cause seen within this time and not fixed is "failing"

# Rules that only a credential of the same kind can show to be fixed. For all others any credential does.
BY_SECRET = {Rule.SECRET_WRONG, Rule.SECRET_ENDED, Rule.SECRET_NOT_ALLOWED}
BY_KEY = {
    Rule.ASSERTION_TYPE, Rule.ASSERTION_TOO_LARGE, Rule.ASSERTION_FORM, Rule.ASSERTION_ENCRYPTED, Rule.KID,
    Rule.ASSERTION_DUPLICATE_MEMBER, Rule.ALGORITHM, Rule.ALGORITHM_NOT_OF_KEY, Rule.CRITICAL_HEADER, Rule.TYP,
    Rule.NO_KEYS, Rule.KID_AMBIGUOUS, Rule.KEY_NOT_USABLE, Rule.SIGNATURE, Rule.ISSUER, Rule.SUBJECT, Rule.AUDIENCE,
    Rule.EXPIRY, Rule.EXPIRED, Rule.EXPIRES_TOO_LATE, Rule.ISSUED_AT, Rule.NOT_BEFORE, Rule.JTI, Rule.REPLAYED,
    Rule.BEFORE_RESTORE, Rule.SCOPE_NEEDS_KEY,
}  # fmt: skip
BY_TRUST = {
    Rule.FEDERATED_ISSUER, Rule.FEDERATED_SUBJECT, Rule.FEDERATED_CLAIM, Rule.FEDERATED_AUDIENCE,
    Rule.FEDERATED_KEYS_UNAVAILABLE,
}  # fmt: skip

Key = tuple[int, str, str]  # client, rule, error
BY = ("client_id", "rule", "error")


@dataclass(frozen=True)
class Verdict:
    """`state`: "fixed" (`tokens` since the last refusal), "failing", or "quiet" (not seen lately, but nothing proven).

    `others`: tokens that other HTTP requests of the client got while this one was refused.
    """

    state: str
    tokens: int = 0
    last_good_at: datetime | None = None
    others: int = 0


@dataclass(frozen=True)
class Cause:
    """HTTP requests of a client refused for one reason, `count` times in the period; the newest kept one explains."""

    client: Client
    rule: str
    error: str
    count: int
    kept: int
    first_at: datetime
    last_at: datetime
    requests: list[JournalEntry]
    explanation: Explanation
    verdict: Verdict

    @property
    def id(self) -> str:
        return f"cause-{self.client.pk}-{self.rule}-{self.error}"


@dataclass(frozen=True)
class Remark:
    """Remark on HTTP requests that were accepted."""

    explanation: Explanation


@dataclass(frozen=True)
class OfClient:
    client: Client
    causes: list[Cause]
    remarks: list[Remark]


@dataclass(frozen=True)
class Period:
    """Period of whole hours of the last day, or of whole UTC days, as the charts count."""

    since: datetime
    until: datetime

    @classmethod
    def of_days(cls, days: int, now: datetime) -> Period:
        if days == 1:
            return cls(now.replace(minute=0, second=0, microsecond=0) - timedelta(days=1), now)
        today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return cls(today - timedelta(days=days - 1), now)

    @classmethod
    def of_day(cls, day: Any) -> Period:
        start = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return cls(start, start + timedelta(days=1))

    @classmethod
    def of_hour(cls, hour: datetime) -> Period:
        return cls(hour, hour + timedelta(hours=1))

    def entries(self, *clients: Client) -> JournalEntryQuerySet:
        return JournalEntry.objects.of(*clients).filter(at__gte=self.since, at__lte=self.until)

    def counts(self, *clients: Client) -> RefusalCountQuerySet:
        return RefusalCount.objects.of(*clients).filter(hour__gte=self.since, hour__lt=self.until)


def last_24_hours(clients: Iterable[Client], now: datetime) -> dict[int, dict[str, Any]]:
    """Map each client to how many HTTP requests were refused, for how many causes, and when the last one was."""
    counts = Period.of_days(1, now).counts(*clients).values("client_id")
    counted = counts.annotate(count=Sum("refused"), causes=Count("rule", distinct=True), last=Max("last_at"))
    return {row["client_id"]: {name: row[name] for name in ("count", "causes", "last")} for row in counted}


def by_client(clients: Sequence[Client], period: Period, now: datetime) -> list[OfClient]:
    """Return the causes of each client that has any, in a fixed number of queries.

    Failing causes come first, then the most frequent.
    """
    kept, known = _kept(period.entries(*clients)), {client.pk: client for client in clients}
    examples = _examples(kept)
    causes: dict[int, list[Cause]] = defaultdict(list)
    for cause in _causes(known, _counted(period.counts(*clients), kept), examples, now):
        causes[cause.client.pk].append(cause)
    remarks: dict[int, list[Remark]] = defaultdict(list)
    for (client, rule, error), newest in examples.items():
        if not error and client in known:
            remarks[client].append(Remark(explain(rule, newest[0].facts)))
    return [
        OfClient(client, sorted(causes[client.pk], key=_urgency), remarks[client.pk])
        for client in clients
        if client.pk in causes or client.pk in remarks
    ]


def cause_of(entry: JournalEntry, now: datetime) -> Cause:
    """Return the cause of an entry: all HTTP requests of the client refused for the same reason, as far as kept."""
    # The entry itself is in the period, also when the clocks of the servers differ.
    period = Period(min(entry.at, now - DAYS_KEPT), max(entry.at, now) + timedelta(seconds=1))
    same = {"rule": entry.rule, "error": entry.error}
    kept, counts = _kept(period.entries(entry.client).filter(**same)), period.counts(entry.client).filter(**same)
    (cause,) = _causes({entry.client_id: entry.client}, _counted(counts, kept), _examples(kept), now)
    return cause


def floods(clients: Sequence[Client], period: Period, now: datetime) -> list[Cause]:
    """Return the causes with more refused HTTP requests than the journal has room for."""
    shown = by_client(clients, period, now) if clients else []
    return [cause for of_client in shown for cause in of_client.causes if cause.kept < cause.count]


def refused_each_hour(entry: JournalEntry, now: datetime) -> list[int]:
    """Return how many HTTP requests had the same refusal in each of the last 24 hours, the present hour last."""
    latest = now.replace(minute=0, second=0, microsecond=0)
    since = latest - timedelta(hours=23)
    counts = RefusalCount.objects.of(entry.client).filter(rule=entry.rule, error=entry.error, hour__gte=since)
    found = dict(counts.values_list("hour", "refused"))
    return [found.get(since + timedelta(hours=n), 0) for n in range(24)]


def _causes(
    clients: Mapping[int, Client],
    counted: Mapping[Key, Mapping[str, Any]],
    examples: Mapping[Key, list[JournalEntry]],
    now: datetime,
) -> list[Cause]:
    refused = {key: row for key, row in counted.items() if key[2] and key[0] in clients}
    verdicts = _verdicts(refused, examples, now)
    return [_cause(clients[key[0]], key, row, examples.get(key, []), verdicts[key]) for key, row in refused.items()]


def _urgency(cause: Cause) -> tuple[int, int, str]:
    return ["failing", "quiet", "fixed"].index(cause.verdict.state), -cause.count, cause.rule


def _cause(client: Client, key: Key, row: Mapping[str, Any], requests: list[JournalEntry], verdict: Verdict) -> Cause:
    _client, rule, error = key
    explanation = explained_by(requests[0], requests) if requests else explain(rule, {})
    return Cause(client, rule, error, requests=requests, explanation=explanation, verdict=verdict, **row)


def explained_by(entry: JournalEntry, alike: Sequence[JournalEntry]) -> Explanation:
    """Explain an entry. `alike`: the newest of the same cause, which may show that one assertion was sent each time."""
    digests = {other.facts.get("jti_digest") for other in alike}
    is_one = len(alike) > 1 and len(digests) == 1 and None not in digests
    return explain(entry.rule, entry.facts | {"repeated": len(alike)} if is_one else entry.facts)


def _kept(entries: JournalEntryQuerySet) -> dict[Key, dict[str, Any]]:
    """Return for each cause how many entries the journal has `kept`, and the first and last time."""
    rows = entries.order_by().values(*BY).annotate(kept=Count("*"), first_at=Min("at"), last_at=Max("at"))
    return {tuple(row.pop(name) for name in BY): row for row in rows}


def _counted(counts: RefusalCountQuerySet, kept: Mapping[Key, Mapping[str, Any]]) -> dict[Key, dict[str, Any]]:
    """Return for each cause its `count`, how many of them are `kept`, and the first and last time."""
    found = {key: {"count": row["kept"], **row} for key, row in kept.items()}
    sums = counts.values(*BY).annotate(count=Sum("refused"), first_at=Min("first_at"), last_at=Max("last_at"))
    for row in sums:
        key = tuple(row.pop(name) for name in BY)
        old = found.get(key, {"kept": 0, **row})
        found[key] = {
            "count": max(row["count"], old["kept"]),  # an entry is written a moment before it is counted
            "kept": old["kept"],
            "first_at": min(row["first_at"], old["first_at"]),
            "last_at": max(row["last_at"], old["last_at"]),
        }
    return found


def _examples(kept: Mapping[Key, Mapping[str, Any]]) -> dict[Key, list[JournalEntry]]:
    """Return the newest entries of each cause."""
    causes = [(*key, row["first_at"], row["last_at"]) for key, row in kept.items()]
    newest: dict[Key, list[JournalEntry]] = defaultdict(list)
    for entry in JournalEntry.objects.newest_of(causes, each=EXAMPLES):
        newest[entry.client_id, entry.rule, entry.error].append(entry)
    return newest


# --- Is a cause fixed? ------------------------------------------------------------------------------------------------


def method_of(rule: str, facts: Mapping[str, Any]) -> str:
    """Return the prefix of the credential names whose success shows that the cause is fixed."""
    if rule in BY_TRUST or (rule in BY_KEY and "issuer" in facts):
        return "trust:"
    return "secret:" if rule in BY_SECRET else "key:" if rule in BY_KEY else ""


def _verdicts(
    counted: Mapping[Key, Mapping[str, Any]], examples: Mapping[Key, list[JournalEntry]], now: datetime
) -> dict[Key, Verdict]:
    questions = [_question(key, row, examples.get(key, [])) for key, row in counted.items()]
    uses: dict[int, list[CredentialUse]] = defaultdict(list)
    for use in CredentialUse.objects.filter(client__in={key[0] for key in counted}):
        uses[use.client_id].append(use)
    return {
        key: _verdict(question, found, uses[key[0]], counted[key]["count"], now)
        for key, question, found in zip(counted, questions, successes.count(questions), strict=True)
    }


def _question(key: Key, row: Mapping[str, Any], requests: Sequence[JournalEntry]) -> Question:
    """Ask for tokens of the cause's method, from the network of its newest kept request."""
    client, rule, _error = key
    facts, address = (requests[0].facts, requests[0].address or "") if requests else ({}, "")
    return Question(client, method_of(rule, facts), address, row["first_at"], row["last_at"])


def _verdict(question: Question, found: Successes, uses: list[CredentialUse], count: int, now: datetime) -> Verdict:
    """Return "fixed" when the same method succeeds from the same network, and refusals stay away longer than before.

    Other software that works all the time proves nothing: its tokens were issued between the refusals, too.
    """
    quiet_for, last_at = now - question.last_at, question.last_at
    usual_gap = (last_at - question.first_at) / max(count - 1, 1)
    if found.since and not (found.between and quiet_for <= 2 * usual_gap):
        return Verdict("fixed", found.since, found.last_at)
    if quiet_for <= RECENT:
        return Verdict("failing", others=found.since + found.between)
    # Tokens of that time may be deleted by now; the time when a credential was last used stays.
    used = [use.last_used_at for use in uses if use.credential.startswith(question.method)]
    if used and max(used) > last_at:
        return Verdict("fixed", 0, max(used))
    return Verdict("quiet")
