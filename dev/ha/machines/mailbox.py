"""A mail server without delivery, which remembers what each mail was about."""

from __future__ import annotations

import re
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from dev.ha.machines import network

PORT = 2525
MARK = re.compile(r"INC(\d+)")  # the number of an act, in the message of the Security team


class Mailbox:
    """`counts`: how many mails each numbered act has brought."""

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self._ids: set[str] = set()
        self.repeated = 0  # mails that came again, with the same Message-ID
        self._lock = threading.Lock()
        self._server = Controller(self, hostname=network.address(network.EDGE), port=PORT)

    def open(self) -> None:
        self._server.start()

    def close(self) -> None:
        self._server.stop()

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: N802  (aiosmtpd's name)
        mail: EmailMessage = message_from_bytes(envelope.content, EmailMessage, policy=policy.default)
        body = mail.get_body(("plain",))
        found = MARK.search(body.get_content() if body else "")
        with self._lock:
            if mail["Message-ID"] in self._ids:
                self.repeated += 1
            elif found:
                self.counts[int(found[1])] = self.counts.get(int(found[1]), 0) + 1
            self._ids.add(str(mail["Message-ID"]))
        return "250 OK"
