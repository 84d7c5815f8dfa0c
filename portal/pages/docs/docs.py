"""The documentation in the portal, with the reader's own client filled into every sample."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clients.models import Client, Scope
from foundation.refusals import Refusal
from portal.api import openapi
from portal.api.application import api
from portal.explanations.api_codes import FACTS, STATUSES, UPLOADED_KEY
from portal.explanations.sentences import in_words
from portal.guards.access import client_of
from portal.ui import samples
from portal.ui.docs.contents import BY_SLUG, GROUPS, neighbours
from portal.ui.samples.values import ALGORITHMS, Values, of_client, with_algorithm
from portal.web.http_request import Request
from tokens.policy import METHODS


@dataclass(frozen=True)
class Reader:
    """The reader and the values for the samples. `clients` is empty for everybody but contacts."""

    clients: list[Client]
    client: Client | None
    values: Values

    @property
    def query(self) -> str:
        """The query that keeps the chosen client on the next page."""
        return f"?client={self.client.uid}" if self.client else ""

    def link(self, **choices: str) -> str:
        chosen = {"client": str(self.client.uid)} if self.client else {}
        return "?" + urlencode(chosen | {"method": self.values.method, "alg": self.values.algorithm} | choices)


@login_not_required
@require_safe
def index(request: Request) -> HttpResponse:
    reader = reader_of(request)
    return render(request, "docs/index.html", {"reader": reader, "groups": GROUPS, "urls": reader.values.texts()})


@login_not_required
@require_safe
def page(request: Request, slug: str) -> HttpResponse:
    found = BY_SLUG.get(slug)
    if found is None:
        raise Http404
    reader = reader_of(request)
    before, after = neighbours(found)
    context = {"reader": reader, "groups": GROUPS, "page": found, "before": before, "after": after}
    context |= {"sections": found.sections, "urls": reader.values.texts()}
    return render(request, f"docs/{slug}.html", context | CONTENTS.get(slug, _nothing)(reader))


@login_not_required
@require_safe
def sample(request: Request, topic: str, filename: str) -> HttpResponse:
    """Return a sample as a file, with the same values as on its page."""
    values = reader_of(request).values
    if filename not in (sample.filename for sample in samples.offered(topic, values)):
        raise Http404
    response = HttpResponse(samples.render(topic, filename, values), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


# --- The reader -------------------------------------------------------------------------------------------------------


def reader_of(request: Request) -> Reader:
    """Return the reader, by `?client=`, `?method=` and `?alg=` where valid. Raises Http404 for the client of others."""
    mine = list(Client.objects.of(request.user)) if request.user.is_authenticated else []
    client = _chosen(request, mine)
    values = of_client(client, request.now) if client else Values()
    if request.GET.get("alg") in (values.kids or ALGORITHMS):
        values = with_algorithm(values, request.GET["alg"])
    method = request.GET.get("method", "")
    if method not in METHODS:
        method = "private_key_jwt" if values.has_key else "client_secret_basic"
    return Reader(mine, client, replace(values, method=method))


def _chosen(request: Request, mine: list[Client]) -> Client | None:
    """Return the chosen client: an only client needs no choice, and an empty `?client=` asks for placeholders.

    An anonymous reader of an address with a client gets placeholders, for any client.
    """
    wanted = request.GET.get("client")
    if not request.user.is_authenticated or wanted == "":
        return None
    if wanted is None:
        return mine[0] if len(mine) == 1 else None
    try:
        return client_of(request, UUID(wanted))
    except ValueError:
        raise Http404 from None


# --- Context of single pages ------------------------------------------------------------------------------------------


def _nothing(_reader: Reader) -> dict[str, Any]:
    return {}


def _tabs(topic: str, reader: Reader) -> dict[str, Any]:
    """Return the context of templates/docs/parts/samples.html: each sample with the address of its file."""
    return {
        "samples": samples.shown(topic, reader.values),
        "files": [
            {"name": sample.filename, "url": reverse("docs:sample", args=[topic, sample.filename]) + reader.link()}
            for sample in samples.offered(topic, reader.values)
        ],
    }


def _wire(reader: Reader, *filenames: str) -> dict[str, str]:
    """Return HTTP requests and answers as on the wire, by file name without the ending."""
    return {name.partition(".")[0]: samples.render("wire", name, reader.values) for name in filenames}


def _make_a_key(reader: Reader) -> dict[str, Any]:
    topics = ("make_certificate", "make_jwk", "check_key")
    return {topic: _tabs(topic, reader) for topic in topics}


def _renew(reader: Reader) -> dict[str, Any]:
    return {topic: _tabs(topic, reader) for topic in ("renew_on_a_machine", "renew_in_kubernetes", "renew_by_tools")}


def _federated(reader: Reader) -> dict[str, Any]:
    return {"tabs": _tabs("federated_token", reader)}


def _get_a_token(reader: Reader) -> dict[str, Any]:
    methods = {
        "client_secret_basic": _("Secret in the header"),
        "client_secret_post": _("Secret in the body"),
        "private_key_jwt": _("Private key"),
    }
    method = reader.values.method
    return {
        "methods": _choices(reader, methods),
        "kinds": _kinds(reader),
        "tabs": _tabs(method, reader),
        "wire": _wire(reader, "assertion.json", "answer.http")
        | {"request": samples.render("wire", f"{method}.http", reader.values)},
    }


def _call_an_api(reader: Reader) -> dict[str, Any]:
    methods = {"client_secret_basic": _("Client secret"), "private_key_jwt": _("Private key")}
    return {
        "methods": _choices(reader, methods),
        "kinds": _kinds(reader),
        "tabs": _tabs("call_api", reader),
        "wire": _wire(reader, "call.http", "query.http"),
    }


def _choices(reader: Reader, methods: dict[str, str]) -> list[dict[str, object]]:
    """Return the methods to choose from. One that is not offered reads like the first of them."""
    current = reader.values.method if reader.values.method in methods else next(iter(methods))
    return [
        {"label": label, "url": f"{reader.link(method=name)}#samples", "current": name == current}
        for name, label in methods.items()
    ]


KINDS = {"RS256": "RSA", "ES256": "EC P-256", "ES384": "EC P-384", "ES512": "EC P-521", "Ed25519": "Ed25519"}


def _kinds(reader: Reader) -> list[dict[str, object]]:
    """Return the kinds of key that the client has, or all of them for a reader without a client or a key."""
    kids = reader.values.kids
    return [
        {"label": label, "url": f"{reader.link(alg=name)}#samples", "current": name == reader.values.algorithm}
        for name, label in KINDS.items()
        if name in kids or not kids
    ]


def _errors(reader: Reader) -> dict[str, Any]:
    return {"wire": _wire(reader, "error.http")}


def _api(_reader: Reader) -> dict[str, Any]:
    refused = [Refusal(str(code), **FACTS.get(code, {})) for code in STATUSES]
    rows = [{"code": each.code, "status": STATUSES[each.code].value, "words": in_words(each)} for each in refused]
    base = settings.PUBLIC_URL + settings.API_PATH
    sample = f'curl -H "Authorization: Bearer $TOKEN" {base}self'
    return {
        "base": base,
        "sample": sample,
        "operations": openapi.rows(api),
        "refusals": rows,
        "uploaded_key": UPLOADED_KEY,
    }


def _resource_servers(reader: Reader) -> dict[str, Any]:
    wire = _wire(reader, "introspection.http", "introspected.json", "verify.http")
    return {"tabs": _tabs("resource_server", reader), "wire": wire}


def _auditors(reader: Reader) -> dict[str, Any]:
    return {topic: _tabs(topic, reader) for topic in ("verify_log", "verify_package")}


def _scopes(_reader: Reader) -> dict[str, Any]:
    language = get_language() or "en"
    apis: dict[str, dict[str, Any]] = {}
    for scope in Scope.objects.usable():
        group = apis.setdefault(
            f"api-{scope.api.identifier}",
            {"api": scope.api, "description": scope.api.described_in(language), "scopes": []},
        )
        group["scopes"].append({"scope": scope, "description": scope.described_in(language)})
    return {"apis": apis, "sections": {anchor: group["api"].name for anchor, group in apis.items()}}


CONTENTS = {
    "make-a-key": _make_a_key,
    "get-a-token": _get_a_token,
    "call-an-api": _call_an_api,
    "errors": _errors,
    "renew": _renew,
    "federated-tokens": _federated,
    "api": _api,
    "scopes": _scopes,
    "resource-servers": _resource_servers,
    "auditors": _auditors,
}
