"""A mail server without delivery: an SMTP port, and an inbox to read in a browser, from the `mail-devel` wheel."""

import socket
import sys
from contextlib import suppress
from pathlib import Path

from dev.servers.processes import Process, start, wait_until

HOST = "127.0.0.1"


def email_url(smtp_port: int) -> str:
    """Return the EMAIL_URL setting."""
    return f"smtp://{HOST}:{smtp_port}"


def launch(*, smtp_port: int, inbox_port: int, log: Path) -> Process:
    """Start the server and return once both ports answer. Mail is kept in memory; the IMAP side gets any free port."""
    command = [sys.executable, "-m", "mail_devel", "--host", HOST, "--user", "inbox@localhost", "--gen-password"]
    command += ["--smtp-port", str(smtp_port), "--http-port", str(inbox_port), "--imap-port", "0"]
    process = start("mail", command, log=log)
    try:
        wait_until(lambda: answers(smtp_port) and answers(inbox_port), process, seconds=20)
    except BaseException:  # also Ctrl-C: nothing else would end the server
        process.stop()
        raise
    return process


def answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False
