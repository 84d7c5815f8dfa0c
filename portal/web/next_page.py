"""Where a sign-in leads on: the page that somebody wanted to open before it."""

from urllib.parse import unquote, urlsplit

from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme

from portal.web.http_request import Request

NAME = "next"  # in the query of the front page and of each way to sign in, and in their forms
MAX_LENGTH = 500  # characters, as long as the column of a link
FOR_ALL = {"public:why"}  # pages that are open to everybody and tell more to those who signed in


def own_page(address: str) -> str:
    """Return the path and query when they are those of a page of ours that needs a sign-in, or gains by it, else ""."""
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
    """The page that this HTTP request says somebody wants to open, or ""."""
    return own_page(request.POST.get(NAME) or request.GET.get(NAME, ""))
