"""Notices handed over to the people and webhooks that are told: a digest for each member of the Security team.

Those about an API go to the webhooks of its owners alone; the owners are mailed when one of these fails.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from clients.mail import outbox
from clients.models import ApiOwner, Delivery, Mail, Notice, User, Webhook
from clients.team import review_target

AT_ONCE_DELAY = timedelta(minutes=1)  # what comes within it goes into the same mail
MAX_IN_A_MAIL = 50  # notices; a further one begins a new mail
BATCH = 200

NoticeMails = User.NoticeMails


@transaction.atomic
def hand_over(*, now: datetime) -> None:
    """Hand over the notices of acts that have committed. Their rows are locked, so each is handed over once."""
    waiting = Notice.objects.filter(handed_over_at=None).order_by("at", "pk")
    batch = list(waiting.select_for_update(skip_locked=True, no_key=True, of=("self",)).select_related("api")[:BATCH])
    team = User.objects.filter(role=User.Role.SECURITY, is_active=True).order_by("pk")
    members = list(team.exclude(notice_mails=NoticeMails.OFF))
    webhooks = list(Webhook.objects.filter(ends_at=None))
    for notice in batch:
        if notice.api:
            _tell_owners(notice, now)
        else:
            for member in members:
                if member.pk != notice.by_id:
                    _add_to_digest(member, notice, now)
    Delivery.objects.bulk_create(
        Delivery(webhook=webhook, notice=notice, next_attempt_at=now)
        for notice in batch
        if notice.kind != Notice.Kind.WEBHOOK_FAILED  # would fail likewise, and so on
        for webhook in webhooks
        if webhook.api_id == notice.api_id
    )
    Notice.objects.filter(pk__in=[notice.pk for notice in batch]).update(handed_over_at=now)


def _tell_owners(notice: Notice, now: datetime) -> None:
    """Mail the owners of the API that a webhook of theirs failed; whatever else there is, the webhooks tell."""
    if notice.kind == Notice.Kind.WEBHOOK_FAILED:
        for owner in ApiOwner.objects.acting().filter(api=notice.api).select_related("user"):
            facts = {"subject": notice.subject, **notice.about}
            outbox.queue_for(user=owner.user, kind=Mail.Kind.WEBHOOK_FAILED, facts=facts, now=now)


def _add_to_digest(member: User, notice: Notice, now: datetime) -> None:
    """Add a notice to the mail being collected for this person, or begin one."""
    told = {"kind": notice.kind, "at": notice.at.isoformat(), "subject": notice.subject, "about": notice.about}
    collected = Mail.objects.bundles(now).filter(kind=Mail.Kind.TEAM_NOTICES, user=member)
    mail = collected.select_for_update(skip_locked=True, no_key=True).order_by("-created_at").first()
    if mail is not None and len(mail.facts["notices"]) < MAX_IN_A_MAIL:
        mail.facts["notices"].append(told)
        mail.save(update_fields=["facts"])
        return
    Mail.objects.create(
        kind=Mail.Kind.TEAM_NOTICES, to=member.email, language=member.language, user=member,
        facts={"notices": [told]}, created_at=now, next_attempt_at=_goes_out_at(member, now),
    )  # fmt: skip


def _goes_out_at(member: User, now: datetime) -> datetime:
    if member.notice_mails == NoticeMails.AT_ONCE:
        return now + AT_ONCE_DELAY
    return review_target.calendar().next_opening(now)
