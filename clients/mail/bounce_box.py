"""The mailbox that bounces come back to, read by IMAP (BOUNCE_IMAP_URL)."""

from __future__ import annotations

import imaplib
import ssl
from collections.abc import Callable
from urllib.parse import SplitResult, unquote, urlsplit

import structlog
from django.db.utils import InterfaceError, InternalError, OperationalError

from clients.mail.bounces import MAX_BYTES

log = structlog.get_logger(__name__)

PORT, TLS_PORT = 143, 993
TIMEOUT_S = 20
MAX_READ = 100  # messages in one round


def read_new(url: str, handle: Callable[[bytes], None]) -> int:
    """Hand each message that is not marked as seen to `handle`, and mark it; return how many. They stay in the box.

    A message that cannot be handled is marked, too: it must not be in the way of the others. Raises OSError and
    imaplib.IMAP4.error when the server cannot be read.
    """
    parts = urlsplit(url)
    with _connected(parts) as box:
        box.login(unquote(parts.username or ""), unquote(parts.password or ""))
        box.select(_quoted(unquote(parts.path.strip("/")) or "INBOX"))
        _answer, found = box.uid("SEARCH", "UNSEEN")
        names = found[0].split()[:MAX_READ] if found and found[0] else []
        for name in names:
            _answer, fetched = box.uid("FETCH", name.decode(), f"(BODY.PEEK[]<0.{MAX_BYTES}>)")
            try:
                handle(next((item[1] for item in fetched if isinstance(item, tuple)), b""))
            except (OperationalError, InterfaceError, InternalError):
                raise  # it stays unread, and the task comes again after the outage
            except Exception:  # a hostile message must not keep the others from being read
                log.exception("bounce_not_read")
            box.uid("STORE", name.decode(), "+FLAGS", r"(\Seen)")
        return len(names)


def _connected(parts: SplitResult) -> imaplib.IMAP4:
    host = parts.hostname or ""
    if parts.scheme == "imap":  # within one machine only (portal/config/checks.py)
        return imaplib.IMAP4(host, parts.port or PORT, timeout=TIMEOUT_S)
    tls = ssl.create_default_context()
    return imaplib.IMAP4_SSL(host, parts.port or TLS_PORT, ssl_context=tls, timeout=TIMEOUT_S)


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
