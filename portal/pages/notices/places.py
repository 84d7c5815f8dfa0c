"""Audiences of the pages of webhooks: the Security team, and the owners of an API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from clients.models import Api, Webhook
from portal.guards.access import View, api_of, api_owner, security_team
from portal.web.http_request import Request


@dataclass(frozen=True)
class Place:
    """The pages of one audience: with `api` its owners, without the Security team."""

    api: Api | None = None

    @property
    def kept(self) -> QuerySet[Webhook]:
        """The webhooks that the audience looks after."""
        return Webhook.objects.filter(api=self.api)

    @property
    def shown(self) -> QuerySet[Webhook]:
        """The webhooks that the audience sees and may remove: the Security team all of them."""
        return self.kept if self.api else Webhook.objects.all()

    def url(self, name: str, *args: object) -> str:
        if self.api is None:
            return reverse(f"security:{name}", args=args)
        return reverse(f"owner:{name}", args=[self.api.identifier, *args])

    @property
    def home(self) -> dict[str, str]:
        """The page that lists the webhooks: its address, its name, and the text of a link back."""
        if self.api is None:
            return {"url": self.url("notices"), "name": _("Notices"), "back": _("Back to the notices")}
        return {"url": self.url("api"), "name": self.api.name, "back": self.api.name}


def for_keepers(view: Callable[..., HttpResponse]) -> View:
    """Restrict a page to the Security team, below the address of an API to its owners. The view gets its Place."""

    @security_team
    def of_team(request: Request, **kwargs: Any) -> HttpResponseBase:
        return view(request, Place(), **kwargs)

    @api_owner
    def of_owners(request: Request, identifier: str, **kwargs: Any) -> HttpResponseBase:
        return view(request, Place(api_of(request, identifier)), **kwargs)

    @wraps(view)
    def guarded(request: Request, **kwargs: Any) -> HttpResponseBase:
        return (of_owners if "identifier" in kwargs else of_team)(request, **kwargs)

    return guarded
