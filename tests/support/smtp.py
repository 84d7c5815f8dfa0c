"""A real SMTP server for tests with manners to set: refuse, greylist, hang, quote, or drop the line after DATA."""

from __future__ import annotations

import asyncio
import email
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from dev.servers.sockets import free_port


class Inbox:
    """Mail that an SMTP server for tests accepted.

    `manners` is what the server answers: "accept", "greylist", "refuse", "hang", "drop", or "quote": no, with what it
    found in the text, as filters against spam say which address is on their list.
    """

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.manners = "accept"
        self.waiting = 0  # conversations that hang at this moment
        self._read: set[int] = set()

    async def handle_RCPT(  # noqa: N802  # of aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[Any]
    ) -> str:
        if self.manners == "refuse":
            return "550 5.1.1 No such user here"
        if self.manners == "greylist":
            return "451 4.7.1 Greylisted, try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # of aiosmtpd
        if self.manners == "hang":
            self.waiting += 1
            try:
                while self.manners == "hang":
                    await asyncio.sleep(0.05)
            finally:  # also when the sender goes away, which cancels this conversation
                self.waiting -= 1
        content = envelope.content or b""
        message: EmailMessage = email.message_from_bytes(content, policy=default)  # type: ignore[assignment,arg-type]  # by its policy
        if self.manners == "quote":
            return f"554 5.7.1 Listed: {' '.join(self.quoted(message))}"
        self.messages.append(message)
        if self.manners == "drop" and server.transport is not None:
            server.transport.abort()
        return "250 OK"

    @staticmethod
    def quoted(message: EmailMessage) -> list[str]:
        """The addresses and the codes in a text, each as it is there and as filters break it."""
        body = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]  # each mail of ours has one
        found = re.findall(r"\S+/open/\S+|\b\d{6}\b", body)
        return [form for text in found for form in (text, text.upper(), text[:-3], _in_two(text))]

    def to(self, address: str) -> list[EmailMessage]:
        return [message for message in self.messages if message["To"] == address]

    def wait_for(self, *, to: str, subject_contains: str = "", seconds: float = 30) -> EmailMessage:
        """The oldest such message that was not handed out before; waits for it. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for number, message in enumerate(self.messages):
                if number not in self._read and message["To"] == to and subject_contains in message["Subject"]:
                    self._read.add(number)
                    return message
            time.sleep(0.05)
        arrived = [f"{message['To']}: {message['Subject']}" for message in self.messages]
        raise TimeoutError(f"no unread mail to {to} about {subject_contains!r}; there are {arrived}")


def _in_two(text: str) -> str:
    half = len(text) // 2
    return f"{text[:half]} {text[half:]}"


@contextmanager
def running_server() -> Iterator[tuple[Inbox, int]]:
    """An inbox and the loopback port that fills it."""
    inbox = Inbox()
    port = free_port()
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield inbox, port
    finally:
        controller.stop()
