"""The page to open after a sign-in: the one wanted before it."""

from urllib.parse import unquote, urlsplit

from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme

from portal.web.http_request import Request

NAME = "next"  # query parameter and form field of the front page and the sign-in pages
MAX_LENGTH = 500  # characters, as long as the column of a link
FOR_ALL = {"public:why"}  # public pages that tell more after a sign-in


def own_page(address: str) -> str:
    """Return the path and query of a page of ours that needs a sign-in or gains by one, else ""."""
    if not address.startswith("/") or len(address) > MAX_LENGTH or not address.isprintable():
        return ""
    if not url_has_allowed_host_and_scheme(address, allowed_hosts=None):
        return ""
    try:
        found = resolve(unquote(urlsplit(address).path))
    except (Resolver404, ValueError):
        return ""
    return address if getattr(found.func, "login_required", True) or found.view_name in FOR_ALL else ""


def wanted(request: Request) -> str:
    """Return the page that this HTTP request asks to open after the sign-in, or ""."""
    return own_page(request.POST.get(NAME) or request.GET.get(NAME, ""))
