"""Canaries: texts that must not be found, and a visitor who carries them everywhere."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.e2e.support.live import Live
from tests.e2e.support.people import plain
from tests.e2e.support.waiting import wait_for


@dataclass
class Canaries:
    """name -> the text that must not be found; and the pages that were answers to something refused."""

    text: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)  # six digits: found only where no other digits are beside them
    refusals: list[str] = field(default_factory=list)

    def found_in(self, text: str) -> list[str]:
        """The names of those that are in it: as they are, in hexadecimal, or in base64."""
        found = [name for name, canary in self.text.items() if any(form in text for form in forms_of(canary))]
        found += [name for name, code in self.codes.items() if re.search(rf"(?<![\d.]){code}(?!\d)", text)]
        return found


def forms_of(canary: str) -> Iterator[str]:
    yield canary
    yield canary.encode().hex()
    for offset in range(3):  # where the canary begins within a group of three bytes
        encoded = base64.b64encode(b"\0" * offset + canary.encode()).decode()
        yield encoded[4 if offset else 0 : -4]


class Visitor:
    """A person with a browser that keeps cookies and fills in forms; every refusal is kept."""

    def __init__(self, live: Live, email: str, canaries: Canaries) -> None:
        self.live, self.email, self.canaries = live, email, canaries
        self.read: dict[str, int] = {}
        self.session = requests.Session()
        self.session.headers["User-Agent"] = "canary"

    def get(self, path: str, **more: Any) -> str:
        return self._keep(self.session.get(self.live.url + path, timeout=20, **more))

    def post(self, path: str, form: dict[str, Any] | None = None, **more: Any) -> str:
        if "keydesk-csrf" not in self.session.cookies:
            self.get("/link/")
        sent = {"csrfmiddlewaretoken": self.session.cookies["keydesk-csrf"], **(form or {})}
        return self._keep(self.session.post(self.live.url + path, sent, timeout=20, **more))

    def _keep(self, answer: requests.Response) -> str:
        self.address = answer.url.removeprefix(self.live.url)
        if answer.status_code >= 400:
            self.canaries.refusals.append(f"{answer.status_code} {answer.text}")
        return answer.text

    def mailed(self, pattern: str, subject: str = "") -> str:
        """From the first mail about it that was not read before."""

        def look() -> str | None:
            for number, mail in enumerate(self.live.inbox.to(self.email)):
                if number <= self.read.get(pattern, -1) or subject not in mail["Subject"]:
                    continue
                if found := re.search(pattern, plain(mail)):
                    self.read[pattern] = number
                    return found[1]
            return None

        return str(wait_for(look))

    def opens_the_link(self, name: str, subject: str = "sign-in link") -> None:
        token = self.mailed(r"/open/([\w-]+)/", subject=subject)
        self.canaries.text[f"link of {name}"] = token
        stranger = Visitor(self.live, "", self.canaries)
        stranger.get(f"/open/{token[:-1]}/")  # cut off: 404
        stranger._keep(stranger.session.post(f"{self.live.url}/open/{token}/", timeout=20))  # no CSRF token: 403
        stranger._keep(stranger.session.put(f"{self.live.url}/open/{token}/", timeout=20))  # 405 or 403
        stranger.get(f"/open/{token}")  # without its slash: a redirect
        assert "/open/" not in stranger.session.get(f"{self.live.url}/open/{token}/", timeout=20).headers.get(
            "Link", ""
        )
        self.post(f"/open/{token}/")
        stranger.post(f"/open/{token}/")  # used: 404

    def steps_up(self, path: str, form: dict[str, Any] | None = None) -> str:
        self.post(path, form)
        page = self.address
        code = self.mailed(r"(?m)^ +(\d{6})\s*$", subject="code")
        self.canaries.codes["step-up code"] = code
        self.post(page, {"code": f"{(int(code) + 1) % 10**6:06d}"})
        return self.post(page, {"code": code})
