"""The authority, its staff and catalogue, the clients and the waiting requests."""

import json
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import transaction
from django.db.models import F

from audit import log
from clients import keymaterial
from clients.access import networks, one_time_codes
from clients.actors import Actor
from clients.acts import catalogue, client_requests, lifecycle, review
from clients.acts.credentials import keys
from clients.acts.decision_record import Grounds
from clients.acts.people import contacts, staff
from clients.acts.recertification import answers, questions
from clients.acts.scopes import deprecation
from clients.models import Api, Client, ClientContact, Mail, Registration, Scope, User
from dev.example import certificates
from portal.pages.review import risk_signals
from portal.sign_in.allauth_internals import TOTP, generate_totp_secret
from portal.ui.signals.signal import records
from tokens.models import CredentialUse

SETTING_UP = Actor(system="example data")
STAFF = {
    "noor@gegevensverkeer.example": ("Noor El Amrani", User.Role.SECURITY),
    "bram@gegevensverkeer.example": ("Bram Wouters", User.Role.SECURITY),
    "ada@gegevensverkeer.example": ("Ada Claes", User.Role.AUDITOR),
}
PASSWORD = "vier-ogen-zien-meer"  # noqa: S105  (the demonstration's, printed on the screen; never in production)
CONTACT, SOFIE = "lotte@leiestroom.example", "sofie@gegevensverkeer.example"
# Clients that an older service approved: name, organisation, contact, days since then. Of these owners, Lotte is asked
# now whether the client is still needed, Tom did not answer in time, and Sofie confirmed it.
TAKEN_OVER = (
    ("Overstortmeldingen", "Leiestroom Riolering", ("Lotte Verhaeghe", CONTACT), 367),
    ("Leenkaart-adres", "Bibliotheek Meerbeke", ("Tom Declercq", "tom@meerbeke.example"), 402),
    ("Perceelkaart", "Agentschap Gegevensverkeer", ("Sofie Maes", SOFIE), 403),
)
LOOPBACK = ("127.0.0.1", "::1")
WITH_CERTIFICATE, WITH_SECRET = "Meterstanden-koppeling", "Klantportaal-adrescontrole"

CATALOGUE = Path(__file__).with_name("catalogue.json")


@transaction.atomic
def make(now: datetime) -> rsa.RSAPrivateKey:
    """Make everything but traffic; return the private key of the certificate of WITH_CERTIFICATE.

    In the order of time, so that the change log has each act on the day that the pages tell.
    """
    began = now - timedelta(days=41)
    with log.dated(began):
        for email, (name, role) in STAFF.items():
            _staff(email, name, role, began)
        _catalogue()
    private = _clients(now)
    _recertification(now)
    _waiting_requests(now)
    # The mails of the month count as sent. Only today's link of the contact is sent (seed_demo).
    Mail.objects.update(state=Mail.State.SENT, sent_at=F("created_at"), attempts=1)
    for user in User.objects.all():
        user.links.open().update(revoked_at=now)
        for address in LOOPBACK:  # the browser of the demonstration: a known network
            networks.see(user=user, address=address, now=now - timedelta(days=30))
    return private


@transaction.atomic
def deprecate_a_scope(now: datetime) -> None:
    """Make a scope of the address register that the clients of the older service hold, and that ends in two months."""
    successor = Scope.objects.get(name="address.read")
    description = {
        "en": "Search addresses as the older service did.",
        "nl": "Adressen zoeken zoals bij de oudere dienst.",
        "fr": "Chercher des adresses comme dans l’ancien service.",
        "de": "Adressen wie im älteren Dienst suchen.",
    }
    ending = catalogue.create_scope(
        name="address.search", api=successor.api, description=description, sensitive=False, by=SETTING_UP
    )
    for client in Client.objects.filter(name__in=[name for name, *_rest in TAKEN_OVER]).order_by("name"):
        held = [ending, successor]
        lifecycle.change_scopes(client=client, scopes=held, defaults=[successor], by=SETTING_UP, now=now)
    plan = deprecation.Plan(now + timedelta(days=60), successor, "address.read finds the same, and says how old it is.")
    deprecation.deprecate(scope=ending, plan=plan, by=SETTING_UP, now=now)


def _staff(email: str, name: str, role: User.Role, now: datetime) -> None:
    """Invite a member of staff, with password and second factor set."""
    user = staff.invite_staff(email=email, name=name, role=role, by=SETTING_UP, now=now)
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])
    TOTP.activate(user, generate_totp_secret())


def _catalogue() -> None:
    for api in json.loads(CATALOGUE.read_text()):
        scopes = api.pop("scopes")
        row = catalogue.create_api(**api, by=SETTING_UP)
        for scope in scopes:
            catalogue.create_scope(**scope, api=row, by=SETTING_UP)


def _clients(now: datetime) -> rsa.RSAPrivateKey:
    sofie = User.objects.contact(email=SOFIE, name="Sofie Maes")
    opened = now - timedelta(days=40)
    with log.dated(opened):
        lifecycle.create(
            name="Address register, API gateway", organisation="Agentschap Gegevensverkeer", contact=sofie, scopes=(),
            serves=Api.objects.filter(identifier="addresses"), by=SETTING_UP, now=opened,
        )  # fmt: skip
        _taken_over(now)
    lotte = ("Lotte Verhaeghe", CONTACT)
    meters = _approved(
        WITH_CERTIFICATE, "Waterbedrijf Leiestroom", lotte,
        "Our meter readers deliver readings every evening and check the address of each meter.",
        ["meter.readings.write", "address.read"], now - timedelta(days=34),
    )  # fmt: skip
    private = certificates.new_key()
    pem = certificates.certificate(
        private, "api.leiestroom.example", "Waterbedrijf Leiestroom", ends=now + timedelta(days=12)
    )
    (certificate,) = keymaterial.read(pem, now=now, kind="certificate")
    added = now - timedelta(days=33)
    with log.dated(added):
        keys.add(client=meters, key=certificate, by=_by(CONTACT), now=added)
    joined = now - timedelta(days=32)
    with log.dated(joined):
        contacts.add(
            client=meters, email="joris@leiestroom.example", name="Joris De Backer", role=ClientContact.Role.EDITOR,
            by=_by(CONTACT), now=joined,
        )  # fmt: skip
    _approved(
        WITH_SECRET, "Waterbedrijf Leiestroom", lotte,
        "Customers type their address in our portal; we check that it exists.",
        ["address.read", "example.read"], now - timedelta(days=31),
    )  # fmt: skip
    return private


def _taken_over(now: datetime) -> None:
    for name, organisation, (person, email), days in TAKEN_OVER:
        contact = User.objects.contact(email=email, name=person)
        scopes = Scope.objects.filter(name="address.read")
        client, _secret = lifecycle.create(
            name=name, organisation=organisation, contact=contact, scopes=scopes, defaults=scopes, by=SETTING_UP,
            now=now - timedelta(days=days),
        )  # fmt: skip
        used = {"client": client, "last_used_at": now - timedelta(hours=days), "uses": days}
        CredentialUse.objects.create(credential=client.secrets.get().credential, **used)


def _recertification(now: datetime) -> None:
    for days in (36, 1):
        questions.settle(now=now - timedelta(days=days))
    confirmed_at = now - timedelta(days=20)
    client = Client.objects.get(name=TAKEN_OVER[-1][0])
    seen = answers.tag_of(answers.what_is_confirmed(client, confirmed_at))
    with log.dated(confirmed_at):
        answers.confirm(client=client, seen=seen, by=_by(SOFIE), now=confirmed_at)


def _waiting_requests(now: datetime) -> None:
    payroll = _request(
        "Loonverwerking-koppeling", "Rekenhuis bv", ("Wim Goossens", "wim@rekenhuis.example"),
        "We run the payroll of 1,200 employers and check the register number of each new employee once.",
        ["person.nrn.read", "person.basic.read", "address.read"], now - timedelta(days=9),
    )  # fmt: skip
    _approve(payroll, "bram@gegevensverkeer.example", now - timedelta(days=7))
    _request(
        "Verhuisloket", "Stad Leievoorde", ("An Peeters", "an.peeters@leievoorde.example"),
        "People who move tell us once; we look up both addresses and prepare the form.",
        ["person.basic.read", "address.read"], now - timedelta(days=6),
    )  # fmt: skip
    _request(
        "Kadeplanner", "Havenbedrijf Scheldemond", ("Youssef Benali", "y.benali@scheldemond.example"),
        "Planning of quays: we draw the parcels along the water on our map.",
        ["parcel.read"], now - timedelta(hours=3),
    )  # fmt: skip


def _approved(
    name: str, organisation: str, contact: tuple[str, str], purpose: str, scopes: list[str], asked_at: datetime
) -> Client:
    registration = _request(name, organisation, contact, purpose, scopes, asked_at)
    client = _approve(registration, "noor@gegevensverkeer.example", asked_at + timedelta(hours=20))
    assert client is not None  # noqa: S101  (none of these scopes is sensitive)
    return client


def _request(
    name: str, organisation: str, contact: tuple[str, str], purpose: str, scopes: list[str], asked_at: datetime
) -> Registration:
    """Submit a request by the form's act, and confirm it with the mailed code two minutes later."""
    texts = {
        "client_name": name, "organisation": organisation, "contact_name": contact[0], "contact_email": contact[1],
        "purpose": purpose, "scenario": Registration.Scenario.CLIENT_CREDENTIALS.value,
    }  # fmt: skip
    content = client_requests.Content(texts=texts, scopes=tuple(Scope.objects.filter(name__in=scopes)))
    nobody = Actor(address="192.0.2.44", system="anonymous")
    with log.dated(asked_at):
        registration = client_requests.submit(content=content, language="en", by=nobody, now=asked_at)
    code = one_time_codes.value(registration.codes.get())
    confirmed_at = asked_at + timedelta(minutes=2)
    with log.dated(confirmed_at):
        client_requests.confirm(registration=registration, typed=code, by=nobody, now=confirmed_at)
    return registration


def _approve(registration: Registration, reviewer: str, now: datetime) -> Client | None:
    granted = [row.scope for row in registration.asked.select_related("scope")]
    signals = risk_signals.signals_of(registration, risk_signals.known_about([registration]))
    with log.dated(now):
        return review.approve(
            registration=registration, scopes=granted, defaults=granted, seen=registration.content_hash,
            grounds=Grounds(signals=records(signals)), by=_by(reviewer), now=now,
        )  # fmt: skip


def _by(email: str) -> Actor:
    return Actor(user=User.objects.get(email=email), address="192.0.2.44")
