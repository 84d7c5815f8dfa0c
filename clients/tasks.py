"""Celery tasks. They take ids only, load the rows, and call one function."""

import uuid

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from clients import retention
from clients.acts.federation import issuer_keys, published_keys, scanner_keys
from clients.acts.people import bounces
from clients.acts.recertification import questions
from clients.acts.scopes import due
from clients.federation import installation
from clients.mail import bounce_box, outbox, team_notices
from clients.models import Issuer, JwksUri, Session
from clients.team import notices, webhooks
from foundation import advisory_locks

FETCH_EXPIRES_S = 60  # by then beat has found it again


@shared_task
def send_mail(mail_id: str) -> None:
    outbox.deliver(mail_id=uuid.UUID(mail_id), now=timezone.now())


@shared_task
def send_pending_mail() -> None:
    """Send mails without a queued task (the broker was down, the worker died) and those due for another try."""
    outbox.sweep(clock=timezone.now)


@shared_task
def tell_the_team() -> None:
    """Look for what the Security team is to be told, and hand all notices over to mails and webhooks."""
    notices.look(now=timezone.now())
    team_notices.hand_over(now=timezone.now())


@shared_task
def send_webhooks() -> None:
    webhooks.sweep(fetcher=installation.fetcher(), clock=timezone.now)


@shared_task
def read_bounces() -> None:
    """Read the mail that came back, where BOUNCE_IMAP_URL names its mailbox."""
    if not settings.BOUNCE_IMAP_URL:
        return
    with advisory_locks.try_lock("clients.tasks.read_bounces") as mine:
        if mine:
            bounce_box.read_new(settings.BOUNCE_IMAP_URL, lambda report: bounces.take(report, now=timezone.now()))


@shared_task
def fetch_issuer_keys(issuer_pk: int) -> None:
    issuer_keys.refresh(issuer=Issuer.objects.get(pk=issuer_pk), fetcher=installation.fetcher(), now=timezone.now())


@shared_task
def fetch_client_keys(jwks_uri_pk: int) -> None:
    row = JwksUri.objects.get(pk=jwks_uri_pk)
    published_keys.refresh(jwks_uri=row, fetcher=installation.fetcher(), now=timezone.now())


@shared_task
def refresh_key_sets() -> None:
    """Have every key set fetched that has aged, each in a task of its own: a slow server delays no other."""
    now = timezone.now()
    for pk in issuer_keys.due(now).values_list("pk", flat=True):
        fetch_issuer_keys.apply_async((pk,), expires=FETCH_EXPIRES_S)
    for pk in published_keys.due(now).values_list("pk", flat=True):
        fetch_client_keys.apply_async((pk,), expires=FETCH_EXPIRES_S)


@shared_task
def settle_recertifications() -> None:
    """Ask the owners of clients whether they are still needed, and remind them."""
    questions.settle(now=timezone.now())


@shared_task
def delete_ended_sessions() -> None:
    """Delete ended sessions. Django only expires them, so rows of all visitors would accumulate."""
    Session.objects.over(timezone.now()).delete()


@shared_task
def delete_expired() -> None:
    retention.delete_expired(now=timezone.now())


@shared_task
def settle_deprecated_scopes() -> None:
    """Warn the holders of scopes that end soon, and retire those whose date has come."""
    due.settle(now=timezone.now())


@shared_task
def fetch_scanner_keys() -> None:
    """Fetch the keys of GitHub's reports, where LEAK_GITHUB_KEYS is an address."""
    scanner_keys.refresh(source=settings.LEAK_GITHUB_KEYS, fetcher=installation.fetcher(), now=timezone.now())
