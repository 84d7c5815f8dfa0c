"""The keys of GitHub's reports where they are fetched: the last good list is kept, as long as no newer one is."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from clients.federation import scanner_keys
from clients.federation.fetch import Fetcher
from clients.federation.scanner_keys import ScannerKeys, UnreadableKeys
from clients.models.federation import PublishedKeys
from foundation.refusals import Refusal

REFRESHED_EVERY = timedelta(hours=1)

log = structlog.get_logger(__name__)


def refresh(*, source: str, fetcher: Fetcher, now: datetime) -> bool:
    """Fetch the list if it is older than an hour; return whether it was kept. A failure is a log line."""
    if not scanner_keys.is_address(source):
        return False
    if PublishedKeys.objects.filter(url=source, fetched_at__gt=now - REFRESHED_EVERY).exists():
        return False
    try:
        text = fetcher.get(source)
        scanner_keys.parse(text)
    except (Refusal, UnreadableKeys) as problem:
        log.warning("scanner_keys_not_fetched", url=source, problem=str(problem))
        return False
    PublishedKeys.objects.update_or_create(url=source, defaults={"text": text.decode(), "fetched_at": now})
    return True


def current(source: str) -> ScannerKeys:
    """Return the keys of a file, or those that were fetched from an address. Raises UnreadableKeys."""
    if not scanner_keys.is_address(source):
        return scanner_keys.read(source)
    kept = PublishedKeys.objects.filter(url=source).first()
    if kept is None:
        raise UnreadableKeys("not fetched yet")
    return scanner_keys.parse(kept.text)
