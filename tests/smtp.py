"""A real SMTP server for tests, whose manners can be set: refuse, greylist, hang, or drop the line after DATA."""

from __future__ import annotations

import asyncio
import email
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Inbox:
    """Keeps what was accepted. `manners` is what the server answers: "accept", "greylist", "refuse", "hang", "drop"."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.manners = "accept"
        self.waiting = 0  # conversations that hang at this moment
        self._read: set[int] = set()

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[Any]
    ) -> str:
        if self.manners == "refuse":
            return "550 5.1.1 No such user here"
        if self.manners == "greylist":
            return "451 4.7.1 Greylisted, try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.manners == "hang":
            self.waiting += 1
            try:
                while self.manners == "hang":
                    await asyncio.sleep(0.05)
            finally:  # also when the sender goes away, which cancels this conversation
                self.waiting -= 1
        self.messages.append(email.message_from_bytes(envelope.content or b"", policy=default))  # type: ignore[arg-type]
        if self.manners == "drop" and server.transport is not None:
            server.transport.abort()
        return "250 OK"

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


@contextmanager
def running_server() -> Iterator[tuple[Inbox, int]]:
    """An inbox and the loopback port that fills it."""
    inbox = Inbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield inbox, port
    finally:
        controller.stop()
