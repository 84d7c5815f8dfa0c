"""A fixed cast of people, and the shortest way to a client, for tests of every area.

Everything goes through the same acts as the product. Names are random where rows must not collide between tests that
commit.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from audit import checkpoints
from audit.log import SITE
from audit.models import Entry, Package
from audit.packages import making
from clients.access import one_time_codes
from clients.actors import Actor
from clients.acts import catalogue, client_requests, lifecycle, proposals, review
from clients.acts.federation import issuers
from clients.acts.people import api_owners
from clients.acts.scopes import deprecation
from clients.acts.team import reply_texts, webhooks
from clients.models import (
    Api,
    Client,
    Delivery,
    Issuer,
    Notice,
    Proposal,
    Recertification,
    Registration,
    ReplyText,
    Scope,
    Trust,
    User,
    Webhook,
)
from tokens.models import JournalEntry, RefusalCount, UsageDay, UsageDetail
from tokens.protocol.traits import Traits

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
SYSTEM = Actor(system="test")


def person(email: str, name: str, role: User.Role = User.Role.CONTACT, language: str = "en") -> User:
    user, _created = User.objects.get_or_create(email=email, defaults={"name": name, "role": role})
    user.language = language
    user.save()
    return user


def lotte() -> User:
    """A contact, owner of the clients that tests make."""
    return person("lotte@leiestroom.example", "Lotte Verhaeghe")


def wim() -> User:
    """A contact of another organisation."""
    return person("wim@rekenhuis.example", "Wim Goossens")


def noor() -> User:
    """Security team."""
    return person("noor@keydesk.example", "Noor El Amrani", User.Role.SECURITY)


def bram() -> User:
    """Security team, the second pair of eyes."""
    return person("bram@keydesk.example", "Bram Wouters", User.Role.SECURITY)


def ada() -> User:
    """Auditor."""
    return person("ada@audit.example", "Ada Claes", User.Role.AUDITOR)


def elif_() -> User:
    """Owner of the API `addresses`, once `api_owner` has named her."""
    return person("elif@registers.example", "Elif Demir", User.Role.API_OWNER)


def tom() -> User:
    """Another owner of the API `addresses`, once `api_owner` has named him."""
    return person("tom@registers.example", "Tom Maes", User.Role.API_OWNER)


def api_owner(user: User | None = None, of: Api | None = None) -> User:
    """Name an owner of an API, as an operator does."""
    who, owned = user or elif_(), of or api()
    api_owners.name_owner(api=owned, email=who.email, name=who.name, by=SYSTEM, now=NOW)
    return who


def by(user: User) -> Actor:
    return Actor(user=user, address="192.0.2.7", request_id="test")


def api(identifier: str = "addresses") -> Api:
    found = Api.objects.filter(identifier=identifier).first()
    return found or catalogue.create_api(
        identifier=identifier, name=identifier.title(), description={"en": "For tests"}, by=SYSTEM
    )


def scope(name: str = "address.read", *, sensitive: bool = False, of: Api | None = None) -> Scope:
    found = Scope.objects.filter(name=name).first()
    return found or catalogue.create_scope(
        name=name, api=of or api(), description={"en": f"Scope {name}"}, sensitive=sensitive, by=SYSTEM
    )


def deprecated_scope(name: str, *, held_by: Client, successor: Scope) -> Scope:
    """Return a scope of the successor's API that a client holds, and that ends in 90 days."""
    found, now = scope(name, of=successor.api), timezone.now()
    held_by.client_scopes.create(scope=found)
    plan = deprecation.Plan(now + timedelta(days=90), successor, "Version 2 replaces it")
    deprecation.deprecate(scope=found, plan=plan, by=SYSTEM, now=now)
    return found


def client(
    *, contact: User | None = None, scopes: tuple[Scope, ...] | None = None, now: datetime = NOW, **kwargs: object
) -> tuple[Client, str]:
    """A client of Lotte's and its secret; every scope is a default scope unless `defaults` says otherwise."""
    granted = (scope(),) if scopes is None else scopes
    kwargs.setdefault("defaults", granted)
    return lifecycle.create(
        name=f"Meterstanden {uuid.uuid4().hex[:6]}",
        organisation="Waterbedrijf Leiestroom",
        contact=contact or lotte(),
        scopes=granted,
        by=SYSTEM,
        now=now,
        **kwargs,  # type: ignore[arg-type]
    )


def issuer(name: str = "GitHub Actions", **given: Any) -> Issuer:
    """An enabled issuer; without keys, unless they are given as `jwks`."""
    facts = {"url": "https://token.actions.example", "jwks": None, "audience": "", "max_lifetime": 3600, "now": NOW}
    found = Issuer.objects.filter(name=name).first()
    return found or issuers.create(name=name, by=SYSTEM, **{**facts, **given})


def recertification(client: Client, *, asked_at: datetime = NOW) -> Recertification:
    """An open question whether the client is still needed, as the rule asks it."""
    return Recertification.objects.create(
        client=client, asked_at=asked_at, told_at=asked_at, answer_by=asked_at + Recertification.TIME, suspends=False
    )


def proposed_contact(client: Client, email: str = "an@leiestroom.example") -> Proposal:
    """A contact that Noor proposes and that waits for a second person."""
    return proposals.propose(
        kind=Proposal.Kind.CONTACT_ADDED, about=client, content={"name": "An", "email": email, "role": "editor"},
        reason="They asked on the telephone", by=by(noor()), now=timezone.now(),
    )  # fmt: skip


def content(*, scopes: Iterable[Scope] | None = None, **changes: str) -> client_requests.Content:
    texts = {
        "client_name": "Loonverwerking-koppeling",
        "organisation": "Rekenhuis bv",
        "contact_name": "Wim Goossens",
        "contact_email": "wim@rekenhuis.example",
        "purpose": "We calculate wages for 140 employers and check addresses before we send letters.",
    }
    return client_requests.Content(texts=texts | changes, scopes=(scope(),) if scopes is None else tuple(scopes))


def submitted_request(now: datetime = NOW, **changes: object) -> Registration:
    """A request in the review queue, its code confirmed."""
    anonymous = Actor(address="192.0.2.9", request_id="test", system="anonymous")
    registration = client_requests.submit(content=content(**changes), language="en", by=anonymous, now=now)
    code = registration.codes.get()
    client_requests.confirm(registration=registration, typed=one_time_codes.value(code), by=anonymous, now=now)
    return registration


def decided_request(now: datetime = NOW, **changes: object) -> Registration:
    """A request that Noor rejected."""
    asked = submitted_request(now, **changes)
    review.reject(registration=asked, message="Not now.", seen=asked.content_hash, by=by(noor()), now=now)
    return asked


def reply_text() -> ReplyText:
    """A text of the Security team for rejections, in two languages."""
    found = ReplyText.objects.filter(name="No legal basis").first()
    text = {"en": "There is no legal basis for this.", "nl": "Hiervoor is geen rechtsgrond."}
    purpose = ReplyText.Purpose.REJECTION
    return found or reply_texts.save(saved=None, purpose=purpose, name="No legal basis", text=text, by=by(noor()))


def webhook(name: str = "Chat", url: str = "https://chat.example/hook", *, of: Api | None = None) -> Webhook:
    """A webhook of the Security team, or of the owners of an API, added by an operator."""
    found = Webhook.objects.filter(name=name, api=of, ends_at=None).first()
    return found or webhooks.add(name=name, url=url, api=of, by=SYSTEM, now=NOW)


def proposed_webhook(of: Api | None, name: str = "Tickets", url: str = "https://tickets.example/hook") -> Proposal:
    """A webhook that Elif proposes for her API, or Noor for the team, and that waits for a second person."""
    return proposals.propose(
        kind=Proposal.Kind.WEBHOOK_ADDED, about=of or SITE, content={"name": name, "url": url},
        reason="The desk works there", by=by(elif_() if of else noor()), now=timezone.now(),
    )  # fmt: skip


def failed_delivery(of: Webhook | None = None) -> Delivery:
    """A notice that the receiver did not accept."""
    uid = uuid.uuid4()
    notice = Notice.objects.create(
        kind=Notice.Kind.REQUEST_WAITS, key=f"{uid}", at=NOW, subject="R-2026-0001 Meterstanden",
        about={"request": str(uid)}, api=of.api if of else None,
        handed_over_at=NOW,
    )  # fmt: skip
    return Delivery.objects.create(
        webhook=of or webhook(), notice=notice, state=Delivery.State.FAILED, attempts=17, next_attempt_at=NOW,
        problem="fetch_unreachable",
    )  # fmt: skip


def used(client: Client, credential: str = "key:1", *, at: datetime | None = None, **traits: Any) -> UsageDetail:
    """Accepted HTTP requests, as the authorization server counts them."""
    at = at or timezone.now()
    return UsageDetail.objects.create(
        client=client, day=at.astimezone(UTC).date(), credential=credential, network="192.0.2.0/24",
        **Traits(**traits)._asdict(), uses=3, issued=3, refused=0, first_at=at, last_at=at,
    )  # fmt: skip


def refused(client: Client, rule: str = "kid", *, at: datetime, count: int = 1, **changes: object) -> JournalEntry:
    """Refused requests as the authorization server writes them: counted all, and the last one kept."""
    row: dict[str, Any] = {
        "request_id": uuid.uuid4().hex, "endpoint": "token", "status": 401, "address": "192.0.2.1",
        "error": "invalid_client", **changes,
    }  # fmt: skip
    hour = at.replace(minute=0, second=0, microsecond=0)
    key = {"client": client, "rule": rule, "error": row["error"], "hour": hour}
    counted, is_new = RefusalCount.objects.get_or_create(
        **key, defaults={"refused": count, "first_at": at, "last_at": at}
    )
    if not is_new:
        RefusalCount.objects.filter(**key).update(
            refused=F("refused") + count, first_at=min(at, counted.first_at), last_at=max(at, counted.last_at)
        )
    day, _created = UsageDay.objects.get_or_create(client=client, day=at.astimezone(UTC).date(), credential="")
    UsageDay.objects.filter(client=client, day=day.day, credential="").update(refused=F("refused") + count)
    return JournalEntry.objects.create(client=client, at=at, rule=rule, **row)


def trust(client: Client, *, now: datetime = NOW) -> Trust:
    """Return a trust of the client in an issuer that is registered with it."""
    issuer, _new = Issuer.objects.get_or_create(
        url="https://issuer.example", defaults={"name": "Example", "created_at": now, "enabled_at": now}
    )
    facts = {"subject": "deploy", "claims": {"project_id": "20"}, "added_at": now, "added_by": "Lotte"}
    return Trust.objects.create(client=client, issuer=issuer, **facts)


def package() -> Package:
    """Return a signed evidence package of the newest entry."""
    newest = Entry.objects.filter(seq=Entry.objects.latest("seq").seq)
    made = making.make(
        entries=newest, filters="action=client.", since=None, sample=None, purpose="Rekenhof, audit", by=by(ada())
    )  # fmt: skip
    checkpoints.sign_checkpoint(timezone.now())
    return made
