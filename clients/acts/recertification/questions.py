"""Ask the owners of clients whether they are still needed, remind them, and suspend where the site wants that."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Greatest

from clients.actors import KEYDESK_ITSELF, Actor
from clients.acts import lifecycle
from clients.mail import outbox
from clients.models import Client, ClientContact, Mail, Recertification, Scope
from clients.models.client import ClientQuerySet
from clients.models.team.recertification import RecertificationQuerySet

REMIND_DAYS = (14, 7, 1)  # before the time to answer is over
UNDO = timedelta(days=30)  # from a suspension by the rule, by a contact
REASON = "not confirmed"  # of the suspension, in the change log
MAX_ASKED = 200  # clients in one run, so that a rule that is new mails all clients over weeks and not in one hour

OF_CLIENT = Recertification.objects.filter(client=OuterRef("pk"))
LAST_ANSWER = OF_CLIENT.order_by().values("client").annotate(at=Max("confirmed_at")).values("at")
CERTIFIED_AT = Greatest("created_at", Subquery(LAST_ANSWER))  # the approval, or the last confirmation
IS_SENSITIVE = Exists(Scope.objects.sensitive().filter(clients=OuterRef("pk")))
ACTIVE = Client.Status.ACTIVE


def settle(*, now: datetime) -> int:
    """Ask about the clients that are due, remind, and suspend. Returns the number of questions acted on."""
    _forget()
    asked = sum(_ask(pk, now) for pk in due(now).order_by(CERTIFIED_AT).values_list("pk", flat=True)[:MAX_ASKED])
    reminded = sum(_remind(pk, now) for pk in _to_remind(now).values_list("pk", flat=True))
    return asked + reminded + sum(_suspend(pk, now) for pk in _to_suspend(now).values_list("pk", flat=True))


def due(now: datetime) -> ClientQuerySet:
    """Return the active clients whose last answer is too old for their scopes, and that are not asked yet."""
    rules = {True: settings.RECERTIFY_SENSITIVE_AFTER, False: settings.RECERTIFY_AFTER}
    old = [Q(sensitive=sensitive, since__lte=now - after) for sensitive, after in rules.items() if after]
    if not old:
        return Client.objects.none()
    active = Client.objects.filter(status=ACTIVE).alias(sensitive=IS_SENSITIVE, since=CERTIFIED_AT)
    return active.filter(reduce(or_, old), ~Exists(OF_CLIENT.filter(confirmed_at=None)))


def _forget() -> None:
    """Take back the open questions about clients whose rule was turned off."""
    if not settings.RECERTIFY_AFTER or not settings.RECERTIFY_SENSITIVE_AFTER:
        sensitive = Client.objects.filter(IS_SENSITIVE)
        if not settings.RECERTIFY_SENSITIVE_AFTER:
            Recertification.objects.open().filter(client__in=sensitive).delete()
        if not settings.RECERTIFY_AFTER:
            Recertification.objects.open().exclude(client__in=sensitive).delete()


@transaction.atomic
def _ask(pk: int, now: datetime) -> bool:
    client = Client.objects.locked(pk)
    if not due(now).filter(pk=pk).exists():  # another worker was here first
        return False
    question = Recertification.objects.create(
        client=client, asked_at=now, told_at=now, answer_by=now + Recertification.TIME,
        suspends=settings.RECERTIFY_SUSPENDS,
    )  # fmt: skip
    _mail_owners(question, now)
    return True


def _to_remind(now: datetime) -> RecertificationQuerySet:
    """Return the questions whose last mail is from before a reminder that is due."""
    before = [timedelta(days=days) for days in REMIND_DAYS]
    passed = [Q(answer_by__lte=now + left, told_at__lt=F("answer_by") - left) for left in before]
    return Recertification.objects.due(now).filter(reduce(or_, passed), client__status=ACTIVE)


@transaction.atomic
def _remind(pk: int, now: datetime) -> bool:
    question = _locked(pk)
    if not _to_remind(now).filter(pk=pk).update(told_at=now):
        return False
    _mail_owners(question, now)
    return True


def _to_suspend(now: datetime) -> QuerySet[Recertification]:
    """Return the late questions whose mail said that this suspends; none while the site does not want that."""
    late = Recertification.objects.late(now).filter(suspends=True, client__status=ACTIVE)
    return late if settings.RECERTIFY_SUSPENDS else late.none()


@transaction.atomic
def _suspend(pk: int, now: datetime) -> bool:
    client = _locked(pk).client
    if not _to_suspend(now).filter(pk=pk).update(suspended_at=now):
        return False
    by = Actor(system=KEYDESK_ITSELF)
    lifecycle.suspend(client=client, reason=REASON, by=by, now=now, undo_until=now + UNDO)
    return True


def _locked(pk: int) -> Recertification:
    """Return the question with its client, which is locked."""
    question = Recertification.objects.get(pk=pk)
    question.client = Client.objects.locked(question.client_id)
    return question


def _mail_owners(question: Recertification, now: datetime) -> None:
    facts = {
        "until": question.answer_by.isoformat(), "suspends": question.suspends, "reminder": now > question.asked_at,
    }  # fmt: skip
    kind, role = Mail.Kind.RECERTIFICATION, ClientContact.Role.OWNER
    outbox.queue_for_contacts(client=question.client, kind=kind, role=role, facts=facts, now=now)
