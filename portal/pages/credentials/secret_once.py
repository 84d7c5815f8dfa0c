"""A client secret on the page after a reveal: once, within a minute, so that Back and Reload do not show it again.

The session only names the secret that may be shown. Its text is read from the row or, where the site stores no readable
secrets (SECRETS_VIEWABLE=false), from an encrypted cookie of one minute, so that the server stores no secret.
"""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, resolve_url

from clients import encryption
from clients.acts.credentials import client_secrets
from clients.models import Client, Secret
from portal.web import kept_forms
from portal.web.http_request import Request

LIFETIME_S = 60
KIND, NAME = "secret", "once"
COOKIE = f"{settings.SESSION_COOKIE_NAME}-secret"


@dataclass(frozen=True)
class Shown:
    secret: Secret
    text: str
    replaced: Secret | None  # after a regeneration


def show(request: Request, secret: Secret, text: str, *, replaced: Secret | None = None) -> HttpResponse:
    """Redirect to the page that shows the secret."""
    about = {"secret": str(secret.uid), "replaced": str(replaced.uid) if replaced else ""}
    name = kept_forms.keep(request, KIND, about, seconds=LIFETIME_S)
    response = redirect(f"{resolve_url('contact:shown_secret', secret.client.uid)}?{NAME}={name}")
    if secret.ciphertext is None:
        sealed = encryption.encrypt_as_text(text, row=secret.uid)
        response.set_cookie(COOKIE, sealed, max_age=LIFETIME_S, secure=settings.HTTPS, httponly=True, samesite="Strict")
    return response


def shown(request: Request, client: Client) -> Shown | None:
    """Return the secret that this page may show; a GET uses up the permission."""
    name = request.GET.get(NAME, "")
    about = kept_forms.get(request, KIND, name)
    if about is None or request.method != "GET":
        return None
    kept_forms.drop(request, name)
    found = client.secrets.in_bulk([uid for uid in (about["secret"], about["replaced"]) if uid], field_name="uid")
    by_uid = {str(uid): secret for uid, secret in found.items()}
    secret = by_uid.get(about["secret"])
    if secret is None:
        return None
    try:
        sealed = request.COOKIES.get(COOKIE, "")
        text = client_secrets.in_clear(secret) if secret.ciphertext else encryption.decrypt_text(sealed, row=secret.uid)
    except encryption.UnableToDecrypt:
        return None
    return Shown(secret, text, by_uid.get(about["replaced"]))


def delete_cookie(response: HttpResponse) -> HttpResponse:
    """Delete the cookie with the page that used it."""
    response.delete_cookie(COOKIE, samesite="Strict")
    return response
