"""The pages of the documentation in groups, each page with its subject and its sections.

The texts of a page are in templates/docs/<slug>.html, whose sections take their titles from here, so that the list "On
this page" and the headings agree. Anchors are linked from other pages and mails: do not rename them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.utils.translation import gettext_lazy as _

Text = Any  # a lazy translation


@dataclass(frozen=True)
class Page:
    slug: str
    title: Text
    lead: Text
    sections: dict[str, Text]  # anchor -> title


@dataclass(frozen=True)
class Group:
    title: Text
    pages: tuple[Page, ...]


GET_STARTED = (
    Page(
        "get-a-client",
        _("Get a client"),
        _("One form, one review, one link by e-mail. You need no account and no password."),
        {
            "ready": _("What to have ready"),
            "steps": _("From request to client"),
            "access": _("How you get back to your page"),
            "needed": _("Once a year: is it still needed?"),
        },
    ),
    Page(
        "choose-a-method",
        _("Choose a method"),
        _("Your software proves who it is with a secret or with a key. Both give the same tokens."),
        {
            "picture": _("What is sent, and what stays"),
            "compare": _("Side by side"),
            "choose": _("Which one to choose"),
        },
    ),
    Page(
        "make-a-key",
        _("Make a key"),
        _("One command makes a key pair. The private half stays with you; we need the public half only."),
        {
            "certificate": _("Make a certificate"),
            "jwk": _("Or make a JWK without a certificate"),
            "browser": _("Or let your browser make it"),
            "check": _("Check the result"),
            "upload": _("Upload the public half"),
            "safe": _("Keep the private half safe"),
        },
    ),
    Page(
        "get-a-token",
        _("Get a token"),
        _("One POST to the token endpoint. The answer is a token to use until it expires."),
        {
            "samples": _("Samples that work as they stand"),
            "request": _("The request"),
            "assertion": _("What a signed assertion says"),
            "answer": _("The answer"),
            "scopes": _("Which scopes you get"),
            "reuse": _("Use a token until it expires"),
            "older": _("If you come from the older service"),
        },
    ),
    Page(
        "call-an-api",
        _("Call an API"),
        _("Send the token in the Authorization header of each call."),
        {
            "header": _("In the header"),
            "query": _("In the address, if there is no other way"),
            "samples": _("Samples that keep their token"),
            "refused": _("When an API refuses"),
        },
    ),
)
KEEP_WORKING = (
    Page(
        "errors",
        _("Handle errors and throttling"),
        _("Every code that the server can answer, what causes it, and what helps."),
        {
            "read": _("Read the answer"),
            "invalid_request": "invalid_request",
            "invalid_client": "invalid_client",
            "invalid_scope": "invalid_scope",
            "unauthorized_client": "unauthorized_client",
            "unsupported_grant_type": "unsupported_grant_type",
            "temporarily_unavailable": "temporarily_unavailable",
            "server_error": "server_error",
            "invalid_token": "invalid_token",
            "insufficient_scope": "insufficient_scope",
            "retry": _("When to try again"),
        },
    ),
    Page(
        "rotate",
        _("Rotate without downtime"),
        _("Old and new work side by side for as long as you choose. You need not get up at night."),
        {
            "picture": _("How the transition period works"),
            "secret": _("Replace a secret"),
            "key": _("Replace a key"),
            "certificate": _("Renew a certificate"),
            "leaked": _("When something leaked"),
        },
    ),
    Page(
        "renew",
        _("Renew without hands"),
        _("A program replaces your key before it ends. You get a mail about it and have nothing to do."),
        {
            "command": _("One command"),
            "machine": _("On a machine: cron and certbot"),
            "kubernetes": _("In Kubernetes"),
            "tools": _("With Ansible or Terraform"),
            "undone": _("If it was not you"),
        },
    ),
    Page(
        "federated-tokens",
        _("Hold no key"),
        _("On GitHub, GitLab, Kubernetes, Entra and SPIRE your software gets tokens with what its platform gives it."),
        {
            "how": _("How it works"),
            "samples": _("Samples that work as they stand"),
            "pins": _("What a trust should ask for"),
        },
    ),
)
LOOK_UP = (
    Page("scopes", _("Scope catalogue"), _("Every scope that you can ask for, and the API it gives access to."), {}),
    Page(
        "api",
        _("Management API"),
        _("Your software looks after its own credentials: the acts of these pages, as JSON."),
        {
            "token": _("Get a token for it"),
            "operations": _("Operations"),
            "refusals": _("When it refuses"),
        },
    ),
    Page(
        "what-changed",
        _("What changed"),
        _("For software that used the older authorization service: what keeps working, and what is different."),
        {
            "stays": _("What keeps working"),
            "different": _("What is different"),
            "move": _("How to move"),
        },
    ),
)
PROTECT_AN_API = (
    Page(
        "resource-servers",
        _("For resource servers"),
        _("You run an API. Ask Keydesk about each token and accept only those it confirms."),
        {
            "register": _("Before you start"),
            "introspect": _("Ask about a token"),
            "samples": _("Samples that work as they stand"),
            "nginx": _("In front of an API: nginx"),
            "cache": _("How long to remember an answer"),
            "rules": _("What to answer"),
            "verify": _("The older verify endpoint"),
        },
    ),
)
FOR_STAFF = (
    Page(
        "security-team",
        _("Guide for the Security team"),
        _("From the queue of the day to the leak at night: what each area is for, and what takes two people."),
        {
            "queue": _("The daily queue"),
            "decide": _("Decide, and what is recorded"),
            "two": _("What takes two people"),
            "leaked": _("When something leaked"),
            "policies": _("Policies"),
            "trusts": _("Issuers and trusts"),
            "owners": _("Owners of APIs"),
            "recertification": _("What is no longer needed"),
        },
    ),
    Page(
        "auditors",
        _("Guide for auditors"),
        _("Read what was done, and prove without us that nobody altered the record of it."),
        {
            "log": _("The change log"),
            "reports": _("Reports"),
            "checkpoints": _("Signed checkpoints"),
            "verify": _("Verify the whole change log"),
            "package": _("Take a part of it as evidence"),
        },
    ),
)
GROUPS = (
    Group(_("Get started"), GET_STARTED),
    Group(_("Keep it working"), KEEP_WORKING),
    Group(_("Look up"), LOOK_UP),
    Group(_("Protect an API"), PROTECT_AN_API),
    Group(_("Security team and auditors"), FOR_STAFF),
)
PAGES = tuple(chain.from_iterable(group.pages for group in GROUPS))
BY_SLUG = {page.slug: page for page in PAGES}


def neighbours(page: Page) -> tuple[Page | None, Page | None]:
    """Return the page before and the page after."""
    here = PAGES.index(page)
    return (PAGES[here - 1] if here else None), (PAGES[here + 1] if here + 1 < len(PAGES) else None)
