"""Every page that a person can see: the access matrix, with the demonstration's people and data behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.db import connection
from django.test import Client as Browser
from django.urls import reverse

from audit import verification_runs
from audit.models import LogHead, Package, Verification
from clients import encryption
from clients.acts import proposals, review
from clients.acts.people import staff as people
from clients.built_in_scopes import BUILT_IN_API
from clients.models import (
    Client,
    ContactAccount,
    Delivery,
    Issuer,
    Mail,
    Proposal,
    Registration,
    ReplyText,
    Scope,
    User,
)
from dev.example import organisation, traffic
from portal.ui.docs import contents
from tests.portal.support import browsers, staff
from tests.portal.support.addresses import arguments
from tests.portal.test_access import MATRIX, ROLES
from tests.support import factories
from tests.support.keys import certificate_pem, new_ec
from tokens.models import AnonymousRefusal, JournalEntry

STRANGER, INVITED = "wim@rekenhuis.example", "piet@gegevensverkeer.example"
NOOR, BRAM, ADA = (f"{name}@gegevensverkeer.example" for name in ("noor", "bram", "ada"))
OF_NOBODY = "9a4c17e05bd2883f610ec7942daa56f1"  # a refused request that names no client
SENSITIVE, ENDING = "person.nrn.read", "address.list"
WAITING, WITH_QUESTIONS = "Werf-planning", "Lekdetectie"


@dataclass(frozen=True)
class Place:
    """A page as a role sees it; with `form`, the page that answers when these fields are posted there."""

    role: str
    name: str
    path: str
    form: dict[str, str] | None = None


def seed(now: datetime | None = None) -> None:
    """The example of `make demo`, a request of Lotte's that waits, one with questions, and mail that did not arrive."""
    now = now or datetime.now(UTC)
    private = organisation.make(now)
    in_another_thread(lambda: traffic.make(private, now))
    factories.package()
    parcels = tuple(Scope.objects.filter(name__in=("parcel.read", "address.read")))
    for name, hours in ((WITH_QUESTIONS, 30), (WAITING, 7)):
        factories.submitted_request(
            now - timedelta(hours=hours), client_name=name, organisation="Waterbedrijf Leiestroom", scopes=parcels,
            contact_name="Lotte Verhaeghe", contact_email=organisation.CONTACT, purpose="To plan the work of a week.",
        )  # fmt: skip
    asked = Registration.objects.get(client_name=WITH_QUESTIONS)
    noor = factories.by(User.objects.get(email=NOOR))
    review.request_changes(
        registration=asked, message="Which parcels, and why?", seen=asked.content_hash, by=noor, now=now
    )
    sensitive, bram = Scope.objects.get(name=SENSITIVE), factories.by(User.objects.get(email=BRAM))
    proposals.propose(
        kind=Proposal.Kind.SCOPE_EASED, about=sensitive, content={}, by=bram, now=now,
        reason="The register is public since this month.",
    )  # fmt: skip
    _give_to_do(Client.objects.get(name=organisation.WITH_CERTIFICATE), now)
    people.invite_staff(email=INVITED, name="Piet Maes", role=User.Role.SECURITY, by=organisation.SETTING_UP, now=now)
    factories.api_owner()
    joris = User.objects.get(email="joris@leiestroom.example")
    ContactAccount.objects.create(
        user=joris, issuer="https://login.leiestroom.example", subject="f3a1c0de", bound_at=now, used_at=now
    )
    for _ in range(2):  # one that is finished, one that runs
        started = Verification.objects.create(asked_at=now, asked_by="Ada Claes", total=LogHead.objects.get().size)
        if not Verification.objects.exclude(finished_at=None).exists():
            verification_runs.carry_out(started.pk)
    AnonymousRefusal.objects.create(
        why=OF_NOBODY, request_id=OF_NOBODY, at=now, endpoint="token", status=401, error="invalid_client",
        rule="unknown_client", facts={"sent": "fphqa925tqs4"}, address="192.0.2.1",
    )  # fmt: skip
    undelivered = Mail.objects.earliest("created_at")
    Mail.objects.filter(pk=undelivered.pk).update(state=Mail.State.FAILED, attempts=8, last_error="550 No such user")


def _give_to_do(mine: Client, now: datetime) -> None:
    """Add what asks its contacts for an act."""
    factories.recertification(mine, asked_at=now - timedelta(days=2))
    factories.proposed_contact(mine)
    unused, _secret = factories.client(
        now=now - timedelta(days=200), contact=User.objects.get(email=organisation.CONTACT)
    )
    Client.objects.filter(pk=unused.pk).update(unused_told_at=now - timedelta(days=20))
    factories.deprecated_scope(ENDING, held_by=mine, successor=factories.scope("address.read"))


def in_another_thread(act: Callable[[], None]) -> None:
    """An event loop of ours cannot run in this thread while there is a browser: Playwright's own does."""

    def run() -> None:
        act()
        connection.close()

    with ThreadPoolExecutor(1) as other:
        other.submit(run).result()


def things() -> dict[str, Any]:
    """Return the objects that the addresses of the matrix name, all of them Lotte's."""
    mine = Client.objects.get(name=organisation.WITH_CERTIFICATE)
    secret = mine.secrets.get()
    return {
        "client": mine,
        "key": mine.keys.get(),
        "registration": Registration.objects.get(client_name=WAITING),
        "decided": Registration.objects.filter(status=Registration.Status.APPROVED).earliest("pk"),
        "contact": mine.contacts.get(user__email="joris@leiestroom.example"),
        "secret": encryption.decrypt(bytes(secret.ciphertext or b""), key_id=secret.sealed_with, row=secret.uid),
        "refusal": JournalEntry.objects.of(mine).refusals()[0],
        "scope": Scope.objects.exclude(api__identifier=BUILT_IN_API).earliest("pk"),
        "colleague": User.objects.get(email=BRAM),
        "package": Package.objects.get(),
        "reply_text": ReplyText.objects.first() or factories.reply_text(),
        "view": User.objects.get(email=NOOR).saved_views.get_or_create(name="Mine", defaults={"query": "who=me"})[0],
        "verification": Verification.objects.exclude(finished_at=None).get(),
        "proposal": Proposal.objects.get(client=mine),
        "issuer": Issuer.objects.first() or factories.issuer(),
        "trust": mine.trusts.first() or factories.trust(mine),
        "network": mine.networks.get_or_create(network="192.0.2.0/24", first_at=mine.created_at, is_new=True)[0],
        "delivery": Delivery.objects.filter(webhook__api=None).first() or factories.failed_delivery(),
        "delivery_of_api": factories.failed_delivery(factories.webhook(of=factories.api())),
        "proposed_webhook": Proposal.objects.filter(api__isnull=False).first()
        or factories.proposed_webhook(factories.api()),
        "mail": Mail.objects.undeliverable().first() or Mail.objects.earliest("created_at"),
    }


def places(known: dict[str, Any]) -> Iterator[Place]:
    """Everything that answers 200, a few files among it, and what else people see: errors and empty lists."""
    for number, role in enumerate(ROLES):
        for name, (on_get, _on_post) in MATRIX.items():
            if on_get.split()[number] == "200" and name not in PARTS:
                yield Place(role, name, reverse(name, kwargs=arguments(name, known)))
    for page in contents.PAGES:
        yield Place("owner", f"docs-{page.slug}", reverse("docs:page", args=[page.slug]))
    for role, name, query in LISTS:
        yield Place(role, f"{name}-list", reverse(name) + query)
    sensitive = Scope.objects.get(name=SENSITIVE)
    yield Place("security", "security:ease_scope", reverse("security:ease_scope", args=[sensitive.pk]))
    ending = Scope.objects.get(name=ENDING)
    yield Place("security", "security:deprecation-progress", reverse("security:deprecation", args=[ending.pk]))
    yield Place("security", "security:withdraw_deprecation", reverse("security:withdraw_deprecation", args=[ending.pk]))
    yield Place("owner", "404", "/no/such/page/")
    for role in ("anonymous", "owner"):
        yield Place(role, "public:why-unknown", reverse("public:why", args=[OF_NOBODY]))
    yield Place("owner", "public:why-not-kept", reverse("public:why", args=["0" * 32]))
    running = Verification.objects.get(finished_at=None)
    yield Place("auditor", "auditor:verification-running", reverse("auditor:verification", args=[running.pk]))
    yield from _answers(known)


# Parts of pages, which a script fetches into them.
PARTS = {"security:looking", "security:queue_looking", "contact:first_token_live"}
LISTS = (
    ("security", "security:clients", "?q=nobody&state=active"),
    ("security", "security:clients", "?expiring=moon"),
    ("security", "security:clients", "?state=unused"),
    ("security", "security:clients", "?outdated=audience&refused=10"),
    ("security", "security:queue", "?show=decided"),
    ("security", "security:queue", "?signal=bad&sort=name"),
    ("auditor", "auditor:change_log", "?who=nobody&since=2020-01-01"),
    ("auditor", "auditor:change_log", "?since=tomorrow"),
    ("auditor", "auditor:reports", "?report=approvals"),
    ("auditor", "auditor:recertification", "?state=late"),
    ("auditor", "auditor:recertification", "?year=1999"),
    ("auditor", "auditor:staff", "?on=2026-01-01"),
    ("owner", "contact:failures", "?request_id=unknown"),
)


def _answers(known: dict[str, Any]) -> Iterator[Place]:
    """The first answer to a form: with errors, or the page that exists only as an answer."""
    uid = known["client"].uid

    def of_client(name: str, /, **form: str) -> Place:
        return Place("owner", f"{name}-answer", reverse(name, args=[uid]), form)

    private = new_ec()
    certificate = certificate_pem(private, now=datetime.now(UTC)).decode()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    yield Place("anonymous", "public:request_client-answer", reverse("public:request_client"), {"contact_email": "no"})
    yield Place(
        "anonymous", "public:ask_link-answer", reverse("public:ask_link"), {"email": "lotte@leiestroom.example"}
    )
    yield Place("anonymous", "account_login-answer", reverse("account_login"), {"login": NOOR, "password": "wrong"})
    yield of_client("contact:reveal_secret")
    yield of_client("contact:regenerate_secret")
    yield of_client("contact:add_key", way="paste", pasted=certificate)
    yield of_client("contact:add_key", way="paste", pasted=pem)
    yield of_client("contact:add_key", way="paste", pasted="nonsense")
    yield of_client("contact:contacts", email="no")
    yield of_client("contact:contacts", name="An", email="an@leiestroom.example", role="editor")  # the code's page
    yield of_client("contact:propose_change")
    registration = known["registration"].uid
    yield Place(
        "security", "security:review-answer", reverse("security:review", args=[registration]), {"decision": "reject"}
    )
    yield Place("security", "security:create_scope-answer", reverse("security:create_scope"), {"name": "no good"})
    yield Place("security", "security:incident-answer", reverse("security:incident"), {"value": "unknown"})
    yield Place("security", "security:incident-found", reverse("security:incident"), {"value": known["secret"]})


def browser_of(role: str) -> Browser:
    def user(email: str) -> User:
        return User.objects.get(email=email)

    return {
        "anonymous": lambda: Browser(),
        "owner": lambda: browsers.of(user(organisation.CONTACT)),
        "stranger": lambda: browsers.of(user(STRANGER)),
        "invited": lambda: staff.signed_in(user(INVITED), method="link"),
        "security": lambda: staff.signed_in(user(NOOR)),
        "auditor": lambda: staff.signed_in(user(ADA)),
        "api_owner": lambda: staff.signed_in(factories.elif_()),
    }[role]()
