"""Sign-in of contacts at their organisation's OpenID provider (OpenID Connect Core 1.0, the code flow with PKCE).

django-allauth sends the browser there, and checks state, code and ID token. It looks nobody up: its adapter
(portal/sign_in/staff.py) hands the ID token back to `come_back` by raising Returned. The account is then the issuer and
the subject, and the nonce ties the ID token to this session.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.base.constants import AuthError
from allauth.socialaccount.providers.openid_connect import views as oidc
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import resolve_url

from clients.access.session_store import METHOD
from clients.authentication.contact_accounts import Account
from clients.models import Session
from portal.config import oidc_apps
from portal.sign_in import attempts
from portal.web import kept_forms
from portal.web.http_request import Request
from portal.web.next_page import NAME as NEXT

LEFT, LEFT_FOR_S = "left", 600  # the kept form of who is at a provider; its id is the state there
START, BINDING = "start", "binding"  # in the query of the way to a provider, and the kind of the kept form it names
MAX_SUBJECT_LENGTH = 255  # characters (OpenID Connect Core 1.0, section 2)
# Raised by allauth and requests for a provider that is away (RequestException is an OSError) or answers otherwise.
UNUSABLE = (OSError, LookupError, AttributeError, TypeError, ValueError)


@dataclass(frozen=True)
class Provider:
    id: str
    name: str
    issuer: str
    client_id: str
    acr_values: tuple[str, ...]


class ProviderFailed(Exception):
    """The provider did not answer, refused, or answered something else; `about` is what the sign-in was for."""

    def __init__(self, about: Mapping[str, Any] | None = None, *, cancelled: bool = False) -> None:
        self.about, self.cancelled = dict(about or {}), cancelled
        super().__init__()


class Returned(Exception):
    """A browser came back with an ID token that allauth accepts."""

    def __init__(self, claims: Mapping[str, Any]) -> None:
        self.claims = claims
        super().__init__()


def providers() -> list[Provider]:
    """Return the providers of the settings, in their order; none where contacts have links only."""
    return [
        Provider(app["provider_id"], app["name"], app["settings"]["issuer"], app["client_id"],
                 tuple(app["settings"]["acr_values"]))
        for app in oidc_apps.of_contacts()
    ]  # fmt: skip


def ways_in(request: Request, *, page: str = "", **binding: Any) -> list[dict[str, str]]:
    """Return name and URL of each provider, for the links of a page.

    `binding` is what may be bound there: `link`, `session`. It is kept in the session, so that no other site can make
    this browser bind the account of its reader.
    """
    found = providers()
    query = {NEXT: page} if page else {}
    if found and binding:
        query[START] = kept_forms.keep(request, BINDING, binding)
    after = f"?{urlencode(query)}" if query else ""
    return [{"name": one.name, "url": resolve_url("account:with", one.id) + after} for one in found]


def is_without_needed_account(request: Request) -> bool:
    """Return whether this is a contact's session that shows nothing, because it did not begin with an account."""
    if not settings.CONTACTS_REQUIRE_ACCOUNT or not request.user.is_authenticated or request.user.is_staff_member:
        return False
    return request.session.get(METHOD) != Session.Method.ACCOUNT


def leave(request: Request, provider: Provider, about: Mapping[str, Any], *, step_up: bool = False) -> HttpResponse:
    """Redirect to the provider. `about` comes back from `come_back`, with `at`, the time of this HTTP request.

    With `step_up` the person has to authenticate there again, at the level of the settings. Raises ProviderFailed.
    """
    nonce = secrets.token_urlsafe(16)
    asked = {"nonce": nonce}
    if step_up:
        asked |= {"prompt": "login", "max_age": "0"}
        asked |= {"acr_values": " ".join(provider.acr_values)} if provider.acr_values else {}
    kept = {**about, "nonce": nonce, "at": request.now.timestamp()}
    try:
        found = get_adapter().get_provider(request, provider.id)
        state = kept_forms.keep(request, LEFT, kept, seconds=LEFT_FOR_S)
        answer: HttpResponse = found.redirect(request, process="login", state_id=state, auth_params=asked)
    except UNUSABLE as error:
        _note(provider, type(error).__name__)
        raise ProviderFailed(about) from error
    return answer


def come_back(request: Request, provider: Provider) -> tuple[Account, dict[str, Any]]:
    """Return the account of who comes back, and what `leave` was told. Raises ProviderFailed."""
    state = request.GET.get("state", "")
    about = kept_forms.get(request, LEFT, state) or {}
    kept_forms.drop(request, state)
    try:
        oidc.callback(request, provider.id)
    except Returned as returned:
        if account := _account(provider, returned.claims, str(about.get("nonce", ""))):
            return account, about
    except ProviderFailed as problem:
        raise ProviderFailed(about, cancelled=problem.cancelled) from problem
    except UNUSABLE as error:
        _note(provider, type(error).__name__)
    raise ProviderFailed(about)


def arrival(sociallogin: Any) -> Returned:
    """Return the ID token of allauth's sign-in, for its adapter to raise; without one the claims are empty."""
    return Returned(sociallogin.account.extra_data.get("id_token") or {})


def failed(error: object) -> ProviderFailed:
    """Return the failure that allauth tells its adapter of, for it to raise."""
    attempts.log.warning("sign_in_failed", factor="account of a contact", user="", error=str(error))
    return ProviderFailed(cancelled=error == AuthError.CANCELLED)


def is_of_staff(account: Account) -> bool:
    """Return whether a member of staff signs in with this account: it is not for contacts as well."""
    of_staff = [app["settings"]["server_url"] for app in oidc_apps.of_staff()]
    same = [url for url in of_staff if url.partition("/.well-known/")[0].rstrip("/") == account.issuer.rstrip("/")]
    return bool(same) and SocialAccount.objects.filter(provider="sso", uid=account.subject).exists()


def _account(provider: Provider, claims: Mapping[str, Any], nonce: str) -> Account | None:
    """Return the account of an ID token whose time, audience and issuer allauth checked; None if more is wrong.

    OpenID Connect Core 1.0, section 3.1.3.7: the issuer exactly, the authorized party, the nonce.
    """
    subject, audience = claims.get("sub"), claims.get("aud")
    several = isinstance(audience, list) and len(audience) > 1
    wrong = {
        "issuer": claims.get("iss") != provider.issuer,
        "authorized party": several and claims.get("azp") != provider.client_id,
        "nonce": not nonce or not secrets.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()),
        "subject": not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_LENGTH,
    }
    if found := [name for name, is_wrong in wrong.items() if is_wrong]:
        _note(provider, f"wrong {', '.join(found)}")
        return None
    acr, auth_time = claims.get("acr"), claims.get("auth_time")
    return Account(
        issuer=provider.issuer, subject=str(subject), acr=acr if isinstance(acr, str) else "",
        auth_time=_moment(auth_time),
    )  # fmt: skip


def _moment(auth_time: object) -> datetime | None:
    if not isinstance(auth_time, int | float):
        return None
    try:
        return datetime.fromtimestamp(auth_time, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _note(provider: Provider, error: str) -> None:
    attempts.log.warning("sign_in_failed", factor="account of a contact", user="", provider=provider.id, error=error)
