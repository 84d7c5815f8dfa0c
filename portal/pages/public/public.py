"""The front page, and the two pages that every site of a public authority has."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from portal.config.endpoints import token_address
from portal.forms.links import LinkForm
from portal.guards.context_processors import role_of
from portal.sign_in.contact_accounts import ways_in
from portal.web.http_request import Request
from portal.web.next_page import wanted

CURL = """\
# CLIENT_ID and CLIENT_SECRET are on your client's page
curl {token_url} \\
  -u "$CLIENT_ID:$CLIENT_SECRET" \\
  -d grant_type=client_credentials"""
CURL_ASSERTION = """\
# the assertion is a JWT that you sign with your private key
curl {token_url} \\
  -d grant_type=client_credentials \\
  -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \\
  -d client_assertion="$ASSERTION\""""
PYTHON = """\
# pip install authlib requests
from authlib.integrations.requests_client import OAuth2Session

client = OAuth2Session(CLIENT_ID, CLIENT_SECRET)
token = client.fetch_token("{token_url}", grant_type="client_credentials")"""


@login_not_required
@require_safe
def landing(request: Request) -> HttpResponse:
    page = wanted(request)
    if page and role_of(request) != "public":
        return redirect(page)
    context = {
        "form": LinkForm(),
        "samples": _samples(),
        "wanted": page,
        "providers": ways_in(request, page=page),
        "needs_account": settings.CONTACTS_REQUIRE_ACCOUNT,
    }
    return render(request, "public/landing.html", context)


@login_not_required
@require_safe
def accessibility(request: Request) -> HttpResponse:
    return render(request, "public/accessibility.html")


@login_not_required
@require_safe
def privacy(request: Request) -> HttpResponse:
    return render(request, "public/privacy.html")


def _samples() -> list[dict[str, str]]:
    """Return samples of token requests; the documentation has every language and method."""
    token_url = token_address()
    labelled = [("curl", CURL), ("curl, private_key_jwt", CURL_ASSERTION), ("Python", PYTHON)]
    return [{"label": label, "code": code.format(token_url=token_url)} for label, code in labelled]
