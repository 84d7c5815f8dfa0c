"""Session of a signed-in person: its begin, its address, and its limits."""

import uuid

from django.conf import settings
from django.urls import reverse

from clients.access.session_store import ADDRESS, BROWSER, SEEN_AT, STARTED_AT, UID
from portal.web import browsers
from portal.web.commits import commits_wait
from portal.web.http_request import Request

LIVE = "/live/"  # begin of the addresses that pages poll
LOOKING = "/looking/"  # the end of addresses that say who of the team looks at a request
NOTED_EVERY_S = 60  # a write per minute, not per HTTP request


def begin(request: Request) -> None:
    """Give the session a uid and its time of begin, unless it has them."""
    if UID not in request.session:
        now = request.now.timestamp()
        place = {ADDRESS: request.address, BROWSER: browsers.of(request)}
        request.session.update({STARTED_AT: now, SEEN_AT: now, **place, **request.session, UID: str(uuid.uuid4())})


def uid_of(request: Request) -> uuid.UUID:
    """Return the uid of the session, which survives a new key. Only for a signed-in person."""
    begin(request)
    return uuid.UUID(request.session[UID])


def left(request: Request) -> dict[str, int]:
    """Return the seconds until the idle limit and until the absolute limit; negative when over."""
    now = request.now.timestamp()
    return {"idle": int(idle_limit(request) - now), "last": int(absolute_limit(request) - now)}


def idle_limit(request: Request) -> float:
    """Return when the session ends unless it is used, as a timestamp."""
    seen_at: float = request.session[SEEN_AT]
    return seen_at + settings.SESSION_IDLE_LIMIT.total_seconds()


def absolute_limit(request: Request) -> float:
    """Return when the session ends however much it is used, as a timestamp."""
    started_at: float = request.session[STARTED_AT]
    return started_at + settings.SESSION_ABSOLUTE_LIMIT.total_seconds()


def is_poll(request: Request) -> bool:
    """Return whether a page polls by itself, which does not count as use: an open page would keep its session."""
    path = request.path
    is_polled = path == reverse("account:session_ends") or path.startswith(LIVE) or path.endswith(LOOKING)
    return request.method in ("GET", "HEAD") and is_polled


def note_use(request: Request) -> None:
    """Postpone the idle limit and store the address; at most once a minute, unless the address changed."""
    now, session = request.now.timestamp(), request.session
    if commits_wait(request):
        return
    if now - session[SEEN_AT] > NOTED_EVERY_S or session[ADDRESS] != request.address:
        session.update({SEEN_AT: now, ADDRESS: request.address})
