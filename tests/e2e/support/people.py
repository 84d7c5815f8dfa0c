"""People in browsers, for the end-to-end tests: what they read in their mail and type into pages."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage

from playwright.sync_api import Page, expect

from tests.e2e.support.live import Live
from tests.support.totp import code_now

PASSWORD = "a long enough passphrase 42"


def address(name: str) -> str:
    """Return an address that no other test uses."""
    return f"{name}-{uuid.uuid4().hex[:8]}@example.org"


def plain(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return body.get_content()


@dataclass
class Person:
    """A person with a mailbox and a browser; `look` is called on every page they visit (axe)."""

    live: Live
    page: Page
    email: str
    look: Callable[[Page], None]

    def link_from_mail(self, subject: str = "") -> str:
        """Most mails lead to a page; the subject tells which."""
        return self.reads(r"(http\S+/open/[\w-]+/)", subject=subject)

    def code_from_mail(self) -> str:
        return self.reads(r"(?m)^ +(\d{6})\s*$", subject="code")  # on a line of its own: a name may have six digits

    def reads(self, pattern: str, subject: str = "") -> str:
        """Goes through the unread mail, oldest first, until one says this; waits for more. Raises TimeoutError."""
        while True:
            message = self.live.inbox.wait_for(to=self.email, subject_contains=subject)
            if found := re.search(pattern, plain(message)):
                return found.group(1)

    def goes_to(self, url: str) -> None:
        self.page.goto(url)
        self.look(self.page)

    def clicks(self, name: str | re.Pattern[str], *, role: str = "button") -> None:
        self.page.get_by_role(role, name=name).first.click()  # type: ignore[arg-type]
        self.page.wait_for_load_state()
        self.look(self.page)

    def sees(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.locator("main")).to_contain_text(text)

    def opens_the_mailed_link(self, subject: str = "") -> None:
        self.goes_to(self.link_from_mail(subject))
        self.clicks(re.compile("^Open "))

    def steps_up(self) -> None:
        """Answers the code page if it is there; the button on it carries the name of the act."""
        if self.page.get_by_label("Code", exact=True).count():
            self.page.get_by_label("Code", exact=True).fill(self.code_from_mail())
            self.page.locator("main form button").first.click()
            self.page.wait_for_load_state()
            self.look(self.page)


@dataclass
class StaffMember(Person):
    totp_secret: str = ""

    def set_up(self, role: str) -> None:
        """Invited on the command line; chooses a password, connects an app, signs in with both."""
        done = self.live.manage(
            "invite_staff", "--by", "Piet", self.email, "--name", self.email.partition("-")[0], "--role", role
        )
        assert done.returncode == 0, done.stdout + done.stderr
        self.opens_the_mailed_link()
        self.page.get_by_label("Choose a password").fill(PASSWORD)
        self.page.locator("main form button").first.click()
        self.page.wait_for_load_state()
        self.look(self.page)
        self.totp_secret = self.page.locator("#totp-secret").inner_text().strip()
        self.page.locator("input[name=code]").fill(self.code_now())
        self.clicks("Connect the app")

    def signs_in(self) -> None:
        self.page.context.clear_cookies()
        self.goes_to("/accounts/sign-in/")
        self.page.get_by_label("E-mail address").fill(self.email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.clicks("Sign in", role="button")
        self.page.locator("input[name=code]").fill(self.code_now())
        self.clicks("Sign in")

    def code_now(self) -> str:
        return code_now(self.totp_secret)
