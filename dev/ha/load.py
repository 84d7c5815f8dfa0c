"""A bounded load: threads that each send at their own pace and note every answer."""

from __future__ import annotations

import base64
import itertools
import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import import_key

from dev.ha.ledger import GOOD, INVALIDATED, Answer, Ledger, Token
from dev.ha.machines import network
from dev.ha.machines.keydesk import NAME

PATIENCE = 15  # seconds for an answer
OAUTH = "/oauth/v2"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CSRF = "m" * 32  # any text of this form: cookie and form must only agree


class Caller:
    """A keep-alive connection to the proxy before Keydesk."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._connection = HTTPConnection(network.EDGE, 80, timeout=PATIENCE)

    def post(
        self, kind: str, path: str, form: dict[str, str], headers: dict[str, str], *, leads_to: str = ""
    ) -> tuple[int, bytes]:
        """Send a form and note the answer; status 0 for none or a redirect elsewhere. Never sends twice."""
        own = {"Host": NAME, "Content-Type": "application/x-www-form-urlencoded", **headers}
        began_at, status, body = time.monotonic(), 0, b""
        try:
            self._connection.request("POST", path, urlencode(form), own)
            answer = self._connection.getresponse()
            status, body = answer.status, answer.read()
            if leads_to != (answer.getheader("Location") or ""):
                status = 0 if status == 302 else status
        except (OSError, HTTPException):
            self._connection.close()
        self._ledger.answers.append(Answer(kind, began_at, time.monotonic(), status))
        return status, body


@dataclass
class Load:
    """`made`: what dev/ha/machines/actors.py has printed; `rate`: tokens a second."""

    made: dict[str, Any]
    ledger: Ledger
    rate: float
    _ended: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def start(self) -> None:
        """Start threads for each kind of HTTP request. Each waits for its answer, so that an outage piles none up."""
        for act, rate, threads in (
            (self._issue, self.rate, 8),
            (self._introspect, self.rate / 4, 3),
            (self._revoke, 4, 2),
            (self._assert, 2, 2),
            (self._invalidate, 1, 2),
        ):
            for _ in range(threads):
                self._threads.append(threading.Thread(target=self._run, args=(act, rate / threads), daemon=True))
        for thread in self._threads:
            thread.start()

    def issue_at_once(self, connections: int) -> None:
        """Start threads that issue a token after another."""
        for _ in range(connections):
            thread = threading.Thread(target=self._run, args=(self._issue, 10**6), daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(PATIENCE + 5)

    def issue_one(self) -> bool:
        """Return whether a token was issued and is active."""
        caller, before = Caller(self.ledger), len(self.ledger.tokens)
        self._issue(caller)
        if len(self.ledger.tokens) == before:
            return False
        token = self.ledger.tokens[-1]
        body = caller.post("check", f"{OAUTH}/introspect", {"token": token.text}, basic(self.made["reader"]))[1]
        return bool(json.loads(body)["active"])

    def _run(self, act: Callable[[Caller], None], rate: float) -> None:
        caller, due_at = Caller(self.ledger), time.monotonic() + random.random() / rate  # noqa: S311  (no secret)
        while not self._ended.wait(max(0.0, due_at - time.monotonic())):
            act(caller)
            due_at = max(due_at + 1 / rate, time.monotonic() - 1)

    # --- What is sent -------------------------------------------------------------------------------------------------

    def _issue(self, caller: Caller) -> None:
        index = random.randrange(INVALIDATED, len(self.made["kept"]))  # noqa: S311  (no secret)
        client = self.made["invalidated"] if index == INVALIDATED else self.made["kept"][index]
        form = {"grant_type": "client_credentials", "scope": self.made["scope"]}
        status, body = caller.post("token", f"{OAUTH}/token", form, basic(client))
        if status == 200:
            token = Token(json.loads(body)["access_token"], index, time.monotonic())
            with self.ledger.lock:
                self.ledger.tokens.append(token)

    def _introspect(self, caller: Caller) -> None:
        if (token := self._recent()) is None:
            return
        taken_away = bool(token.taken_at)
        status, body = caller.post(
            "introspect", f"{OAUTH}/introspect", {"token": token.text}, basic(self.made["reader"])
        )
        if status == 200 and taken_away and json.loads(body)["active"]:
            self.ledger.alive += 1

    def _revoke(self, caller: Caller) -> None:
        token = self._recent()
        if token is None or token.client == INVALIDATED or token.taken_from:
            return
        token.taken_from = time.monotonic()
        client = self.made["kept"][token.client]
        if caller.post("revoke", f"{OAUTH}/revoke", {"token": token.text}, basic(client))[0] == 200:
            token.taken_at = time.monotonic()

    def _assert(self, caller: Caller) -> None:
        """Send the same assertion three times."""
        signer, now = self.made["signer"], int(time.time())
        claims = {"iss": signer["client_id"], "sub": signer["client_id"], "aud": self.made["issuer"], "iat": now}
        header = {"alg": "ES256", "kid": signer["private_jwk"]["kid"]}
        key = import_key(signer["private_jwk"])
        assertion = jwt.encode(header, {**claims, "exp": now + 300, "jti": uuid4().hex}, key, algorithms=["ES256"])
        form = {
            "grant_type": "client_credentials",
            "scope": self.made["scope"],
            "client_assertion_type": ASSERTION_TYPE,
        }
        form["client_assertion"] = assertion
        answered = [caller.post(kind, f"{OAUTH}/token", form, {})[0] for kind in ("assertion", "again", "again")]
        self.ledger.assertions.append(answered.count(200))

    def _invalidate(self, caller: Caller) -> None:
        """Have the Security team end all tokens of a client, on the portal's page, which mails the contact."""
        number, session = next(self._numbers), self.made["session"]
        form = {"reason": f"INC{number}", "message": f"INC{number}", "csrfmiddlewaretoken": CSRF}
        cookies = f"{session['name']}={session['value']}; {session['csrf']}={CSRF}"
        headers = {"Cookie": cookies, "Referer": f"https://{NAME}/"}
        client = f"/security/clients/{self.made['invalidated']['uid']}/"
        began_at = time.monotonic()
        answered = caller.post("page", f"{client}tokens/invalidate/", form, headers, leads_to=client)[0] in GOOD
        self.ledger.invalidated(began_at, answered)
        if answered:
            self.ledger.acts[number] = began_at

    def _recent(self) -> Token | None:
        with self.ledger.lock:
            recent = self.ledger.tokens[-500:]
        return random.choice(recent) if recent else None  # noqa: S311  (no secret)


def basic(client: dict[str, str]) -> dict[str, str]:
    text = f"{quote(client['client_id'])}:{quote(client['client_secret'])}"
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}
