"""The valid tokens of a client. No page can show a token itself: only its digest is stored."""

from base64 import urlsafe_b64decode
from binascii import Error
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clients.access.guarded_acts import Act
from clients.acts.credentials.ways_in import credential_of
from portal.flows.client_tabs import tab_counts
from portal.flows.tokens import end_tokens
from portal.guards.access import actor, client_of, contact
from portal.guards.refusals import refusals_to
from portal.guards.step_up import may_ask_for_step_up, require
from portal.ui.token_list import credential_name, shown_tokens
from portal.web.http_request import Request
from tokens.acts import invalidation
from tokens.models import Token

MAX_TOKENS = 100  # the newest ones


@contact
@require_safe
def tokens(request: Request, uid: UUID) -> HttpResponse:
    found = client_of(request, uid)
    live = shown_tokens(found, request.now, limit=MAX_TOKENS + 1)
    context = {
        "client": found,
        "counts": tab_counts(found, request.now),
        "tokens": live[:MAX_TOKENS],
        "more": len(live) > MAX_TOKENS,
        "shown": MAX_TOKENS,
        "now": request.now,
    }
    return render(request, "contact/tokens.html", context)


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def revoke_token(request: Request, uid: UUID) -> HttpResponse:
    found = client_of(request, uid)
    if request.method != "POST":
        return redirect("contact:tokens", uid)
    token = get_object_or_404(Token.objects.of(found), digest=_digest(request.POST.get("token", "")))
    require(request, Act.INVALIDATE_TOKEN, found)
    with refusals_to(request):
        invalidation.revoke(token=token, by=actor(request), now=request.now)
        messages.success(request, _("The token …%(end)s no longer works.") % {"end": token.ending})
    return redirect("contact:tokens", uid)


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def invalidate_tokens(request: Request, uid: UUID) -> HttpResponse:
    found = client_of(request, uid)
    if request.method != "POST":
        return render(request, "contact/invalidate_tokens.html", {"client": found})
    require(request, Act.INVALIDATE_ALL_TOKENS, found)
    invalidation.invalidate_all(client=found, by=actor(request), now=request.now)
    messages.success(request, _("All tokens of this client have stopped working. New ones work."))
    return redirect("contact:tokens", uid)


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def invalidate_issued_to(request: Request, uid: UUID, credential: UUID) -> HttpResponse:
    """Invalidate the tokens of one key, secret or trust; the credential itself stays valid."""
    found = client_of(request, uid)
    named = credential_of(found, credential)
    if named is None:
        raise Http404
    if request.method != "POST":
        live = Token.objects.of(found).live(request.now).issued_to(named.credential)
        context = {"client": found, "name": credential_name(named), "count": live.count()}
        return render(request, "contact/invalidate_issued_to.html", context)
    require(request, Act.INVALIDATE_TOKENS_OF_CREDENTIAL, found)
    if not end_tokens(request, named):
        messages.error(request, _("Nothing to invalidate: this key or secret has no valid tokens."))
    return redirect("contact:tokens", uid)


def _digest(jti: str) -> bytes:
    """Return the digest of the token named by a jti. Raises Http404 for any other text."""
    try:
        digest = urlsafe_b64decode(jti + "=")
    except (Error, ValueError):
        raise Http404 from None
    if len(digest) != 32:
        raise Http404
    return digest
