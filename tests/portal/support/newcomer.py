"""Software of a client that makes mistakes, and the pages on which its contact reads about them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.html import strip_tags

from clients.models import Client
from tests.portal.support import browsers
from tests.support import factories
from tests.tokens.support.wire import Answer, Signer, Wire, basic

GRANT = {"grant_type": "client_credentials"}


@dataclass
class Newcomer:
    """Lotte's software, which authenticates with a secret and a key, and her browser."""

    wire: Wire
    client: Client
    secret: str
    signer: Signer

    def by_secret(self, secret: str, client_id: str = "", scope: str = "address.read") -> str:
        return self._shown(self.wire.token(basic(client_id or self.client.client_id, secret), scope))

    def by_key(self, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        return self.sends(self.signer.assertion(header=header, **claims))

    def sends(self, assertion: str, times: int = 1) -> str:
        for _time in range(times):
            answer = self.wire.post("token", GRANT | self.signer.form(assertion))
        return self._shown(answer)

    def asks_for(self, scope: str) -> str:
        return self._shown(self.wire.token(basic(self.client.client_id, self.secret), scope))

    def sends_json(self) -> str:
        form = {**GRANT, "client_id": self.client.client_id, "client_secret": self.secret}
        return self._shown(self.wire.post("token", json.dumps(form), content_type="application/json"))

    def asks_too_often(self) -> str:
        """More often than the journal has room for; the last is looked up, then the cause."""
        Client.objects.filter(pk=self.client.pk).update(rate_limit=1)
        authorization = basic(self.client.client_id, self.secret)
        answers = [self.wire.token(authorization) for _time in range(46)]
        last = self._shown(answers[-1], status=404)
        failures = browsers.of(factories.lotte()).get(reverse("contact:failures"), {"days": 1})
        return last + words_of(failures.text)

    def uploads(self, material: bytes) -> str:
        form = {"way": "file", "file": SimpleUploadedFile("key", material)}
        page = browsers.of(factories.lotte()).post(reverse("contact:add_key", args=[self.client.uid]), form)
        assert page.status_code == 422
        assert not self.client.keys.exclude(kid=self.signer.kid).exists()
        return words_of(page.text)

    def _shown(self, answer: Answer, status: int = 200) -> str:
        """Return the words of the page at `error_uri`, for Lotte."""
        assert answer.status >= 400
        self.wire.write_behind()
        page = browsers.of(factories.lotte()).get(answer.json["error_uri"].removeprefix("http://testserver"))
        assert page.status_code == status
        return words_of(page.text)


def words_of(page: str) -> str:
    content = page.partition("<main")[2] or page
    return " ".join(strip_tags(content.replace("<wbr>", "").replace("&#x27;", "'").replace("&quot;", '"')).split())
