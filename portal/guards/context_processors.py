"""Template context of every page: the site's names, the reader's navigation and languages."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import get_language, get_language_info
from django.utils.translation import gettext_lazy as _

from clients.access.session_store import UID
from clients.models import Proposal, Registration, User
from portal.sign_in.contact_accounts import is_without_needed_account
from portal.sign_in.staff import is_strong, may_only_set_up
from portal.web import sessions
from portal.web.http_request import Request

# role -> (label, url name), the areas of a role
AREAS = {
    "public": [
        (_("Start"), "public:landing"),
        (_("Request a client"), "public:request_client"),
        (_("Documentation"), "docs:index"),
    ],
    "contact": [
        (_("My clients"), "contact:clients"),
        (_("Why did it fail?"), "contact:failures"),
        (_("Requests"), "contact:requests"),
        (_("Documentation"), "docs:index"),
    ],
    "security": [
        (_("Dashboard"), "security:dashboard"),
        (_("Review queue"), "security:queue"),
        (_("Clients"), "security:clients"),
        (_("Scopes"), "security:scopes"),
        (_("Issuers"), "security:issuers"),
        (_("Proposals"), "security:proposals"),
        (_("Incident"), "security:incident"),
        (_("Change log"), "auditor:change_log"),
    ],
    "auditor": [
        (_("Change log"), "auditor:change_log"),
        (_("Decided requests"), "auditor:decided_requests"),
        (_("Verify"), "auditor:verify_log"),
        (_("Evidence"), "auditor:make_package"),
        (_("Reports"), "auditor:reports"),
        (_("Staff and roles"), "auditor:staff"),
    ],
    "api_owner": [
        (_("My APIs"), "owner:apis"),
        (_("Documentation"), "docs:index"),
    ],
}

# url name -> area, for pages whose path does not begin with the area's
BELONGS_TO = {
    "public:why": "contact:failures",
    "contact:passkeys": "contact:clients",
    "contact:add_passkey": "contact:clients",
    "contact:remove_passkey": "contact:clients",
    "contact:phone": "contact:clients",
    "contact:calendar": "contact:clients",
    "account:sessions": "contact:clients",
    "auditor:recertification": "auditor:reports",
    "security:review": "security:queue",
    "security:write_message": "security:queue",
    "security:incident_report": "security:incident",
    "security:invite_staff": "auditor:change_log",
    "security:deactivate_staff": "auditor:change_log",
    "security:create_api": "security:scopes",
    "security:change_api": "security:scopes",
    "security:api_owners": "security:scopes",
}


def site(request: Request) -> dict[str, Any]:
    return {
        "service_name": settings.SERVICE_NAME,
        "organisation_name": settings.ORGANISATION_NAME,
        "environment": {"name": settings.ENVIRONMENT_NAME, "colour": settings.ENVIRONMENT_COLOUR},
        "support_email": settings.SUPPORT_EMAIL,
        "usage_kept_days": settings.USAGE_KEPT.days,
        "support_phone": settings.SUPPORT_PHONE,
        "public_url": settings.PUBLIC_URL,
        "nav": _navigation(request),
        "languages": [
            {"code": code, "label": get_language_info(code)["name_local"], "current": code == get_language()}
            for code, _name in settings.LANGUAGES
        ],
    }


def _navigation(request: Request) -> dict[str, Any]:
    user = getattr(request, "user", None)  # error pages can come before the session
    role = role_of(request)
    items = []
    for label, name in AREAS[role]:
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        items.append({"name": name, "label": label, "url": url, "count": _count(name, request)})
    current = _current(request, items)
    for item in items:
        item["current"] = item["name"] == current
    signed_in = user is not None and user.is_authenticated
    return {
        "role": role,
        "items": items,
        "may_search": not (signed_in and may_only_set_up(request)),
        "person": str(user) if signed_in else "",
        "reader": _reader(user) if user is not None and signed_in else "",
        "session_ends_at": _session_end(request) if signed_in else None,
        "session": sessions.left(request) if signed_in and UID in request.session else None,
    }


def _reader(user: User) -> str:
    """Return a name of the reader for keydesk.js, which restores a lost form to the same reader only."""
    return salted_hmac("keydesk.portal.reader", str(user.pk), algorithm="sha256").hexdigest()[:16]


def _current(request: Request, items: list[dict[str, Any]]) -> str:
    """Return the area of the page: the one with the longest path that the page's path begins with."""
    match = getattr(request, "resolver_match", None)
    belongs_to = BELONGS_TO.get(match.view_name) if match is not None else None
    if belongs_to in {item["name"] for item in items}:  # an auditor's area is none of the Security team's
        return str(belongs_to)
    if match is not None and match.view_name == "contact:failures" and "client" in request.GET:
        return "contact:clients"  # a tab of that client
    path = request.path
    # The front page's path begins every other, yet is an area of its own.
    inside = [item for item in items if path == item["url"] or (item["url"] != "/" and path.startswith(item["url"]))]
    return max(inside, key=lambda item: len(item["url"]), default={"name": ""})["name"]


def role_of(request: Request) -> str:
    """Return the role whose pages this session may open; "public" for a mailed link alone where that is not enough."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return "public"
    if user.role == User.Role.CONTACT:
        return "public" if is_without_needed_account(request) else "contact"
    return user.role if is_strong(request) else "public"


def _count(name: str, request: Request) -> int | None:
    """Return how many items wait for this reader."""
    if name == "security:proposals":
        return Proposal.objects.waiting(request.now).exclude(proposed_by=request.user).count()
    return Registration.objects.awaiting_review().count() if name == "security:queue" else None


def _session_end(request: Request) -> datetime | None:
    if UID not in request.session:
        return None
    return datetime.fromtimestamp(min(sessions.idle_limit(request), sessions.absolute_limit(request)), UTC)
