"""oidc-provider from npm as the provider of contacts' accounts: a process of its own, on loopback."""

from __future__ import annotations

import fcntl
import html
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from clients.access import management_links
from clients.models import User
from portal.config.environment import contact_provider

DIRECTORY = Path(__file__).resolve().parents[1] / "sign_in" / "provider"
LOCK = Path(__file__).resolve().parents[3] / ".local" / "contact-provider.lock"
CLIENT_ID, CLIENT_SECRET = "keydesk", "secret-at-the-provider"
PROVIDERS = ("contacts", "contacts2")


@dataclass
class Provider:
    """A running provider. `issuer` is where it listens; `person` is the file that says who signs in there."""

    issuer: str
    person: Path
    process: subprocess.Popen[str]
    browsers: dict[int, requests.Session] = field(default_factory=dict)  # the provider's cookies, by Django's browser

    def app(self, **changes: Any) -> dict[str, Any]:
        """Return what the settings have of it."""
        given = {"name": "Example account", "issuer": self.issuer, "client_id": CLIENT_ID, "secret": CLIENT_SECRET}
        return contact_provider(**{**given, **changes})

    def authenticates(self, sub: str, **more: Any) -> None:
        """Let this person sign in there from now on; `acr`, `ts`, `deny` and `claims` as in server.mjs."""
        self.person.write_text(json.dumps({"sub": sub, **more}))

    def visit(self, browser: Client, url: str) -> str:
        """Follow the provider's redirects like a browser, and return the address that leads back to Keydesk."""
        session = self.browsers.setdefault(id(browser), requests.Session())
        while urlsplit(url).netloc == urlsplit(self.issuer).netloc:
            answer = session.get(url, allow_redirects=False, timeout=10)
            assert answer.is_redirect, answer.text
            url = requests.compat.urljoin(url, answer.headers["Location"])
        address = urlsplit(url)
        return f"{address.path}?{address.query}"

    def through(self, browser: Client, url: str) -> HttpResponse:
        """Open a link of ours to the provider, go there and back; return what Keydesk answers."""
        leaves = browser.get(url)
        assert leaves.status_code == 302, leaves.status_code
        return browser.get(self.visit(browser, leaves["Location"]))


def mailed_link(user: User, target: str = "") -> str:
    """Return the path of a link that was mailed to this contact a moment ago."""
    link = management_links.issue(user=user, target=target, now=datetime.now(UTC))
    management_links.activate(link)
    return reverse("public:open_link", args=[management_links.token(link)])


def way(page: str, label: str = "Continue with Example account") -> str:
    """Return the address of the link with this label."""
    found = re.search(rf'href="([^"]+)"[^>]*>\s*{label}', page)
    assert found, page
    return html.unescape(found[1])


def opened(provider: Provider, user: User, *, sub: str = "lotte", target: str = "") -> tuple[Client, HttpResponse]:
    """Open a mailed link with the account `sub`; return the browser, and what Keydesk answers in the end."""
    browser = Client()
    provider.authenticates(sub)
    return browser, provider.through(browser, way(browser.get(mailed_link(user, target)).text))


def is_signed_in(browser: Client) -> bool:
    return "_auth_user_id" in browser.session


def missing_tools() -> list[str]:
    return [tool for tool in ("node", "npm") if shutil.which(tool) is None]


def _install() -> None:
    """Install the package of package-lock.json once for each checkout; workers of pytest-xdist wait for each other."""
    LOCK.parent.mkdir(exist_ok=True)
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        installed, wanted = DIRECTORY / "node_modules" / ".package-lock.json", DIRECTORY / "package-lock.json"
        if not installed.exists() or installed.stat().st_mtime < wanted.stat().st_mtime:
            subprocess.run(["npm", "ci", "--silent"], cwd=DIRECTORY, check=True)


@contextmanager
def running_provider(directory: Path) -> Iterator[Provider]:
    """Start the provider, and end it by its id."""
    _install()
    callbacks = [f"http://testserver{reverse('openid_connect_callback', args=[name])}" for name in PROVIDERS]
    person = directory / "person.json"
    env = {
        "PATH": os.environ["PATH"], "PERSON": str(person), "CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET,
        "REDIRECT_URIS": json.dumps(callbacks), "PORT": "0",
    }  # fmt: skip
    command = ["node", "--no-warnings", "server.mjs"]
    with subprocess.Popen(command, cwd=DIRECTORY, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            issuer = next(line.strip() for line in lines if line.startswith("http://"))
            yield Provider(issuer, person, process)
        finally:
            process.terminate()
