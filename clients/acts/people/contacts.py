"""Acts on the contacts of a client, and a new management link for a contact whose link is gone."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from audit import log
from audit.actions import Action
from clients.access import management_links
from clients.actors import Actor
from clients.acts import four_eyes
from clients.acts.people import sightings
from clients.authentication import sessions
from clients.calendar import feeds
from clients.mail import outbox
from clients.mail.notifications import actor_facts, tell_contacts
from clients.models import Client, ClientContact, Mail, Proposal, RegistrationScope, Scope, User
from clients.refusal_codes import Code
from foundation.refusals import Refusal

LINKS_PER_HOUR = 5


def mail_fresh_link(*, email: str, target: str = "", by: Actor, now: datetime, reason: str = "") -> bool:
    """Mail a management link to `target` if the address is a contact's that did not ask for too many lately.

    Returns whether it did, for the Security team; a public page must not disclose whether an address is known.
    """
    with transaction.atomic():
        # Locked, so that parallel HTTP requests count each other.
        user = User.objects.with_address(email).select_for_update(no_key=True).first()
        if user is None or not user.is_active or user.is_staff_member:
            return False
        recent = user.mails.filter(kind=Mail.Kind.LINK, created_at__gt=now - timedelta(hours=1))
        if recent.count() >= LINKS_PER_HOUR:
            return False
        outbox.queue_link(user=user, target=target, now=now)
        log.record(action=Action.LINK_REQUESTED, actor=by, subject=user, note=reason)
    return True


@transaction.atomic
def add(
    *, client: Client, email: str, name: str, role: ClientContact.Role, by: Actor, now: datetime, reason: str = "",
    agreed: Proposal | None = None,
) -> ClientContact:  # fmt: skip
    """Add a person and mail them a link. A member of staff needs a proposal where `takes_two`.

    A contact who adds an address of the staff gets the same answer as for any other address. `agreed` is the proposal
    that this carries out. Raises Refusal and four_eyes.NeedsColleague.
    """
    _open(Client.objects.locked(client.pk))
    user = User.objects.contact(email=email, name=name)
    if user.is_staff_member and by.user is not None and by.user.is_staff_member:
        raise Refusal(Code.CONTACT_IS_STAFF)
    if client.contacts.filter(user=user).exists():
        raise Refusal(Code.CONTACT_ALREADY)
    if takes_two(client=client, now=now):
        four_eyes.check(by=by, agreed=agreed)
    contact = ClientContact.objects.create(client=client, user=user, role=role, added_at=now)
    changes = {"contact": (None, user.audit_label), "role": (None, role), **four_eyes.first_of_two(agreed)}
    outbox.queue_for(user=user, kind=Mail.Kind.CONTACT_ADDED, client=client, facts=actor_facts(by), now=now)
    log.record(action=Action.CLIENT_CONTACT_ADDED, actor=by, subject=client, changes=changes, note=by.because(reason))
    tell_contacts(
        client=client, action=Action.CLIENT_CONTACT_ADDED, subject=client.audit_label, detail=_told(user),
        by=by, now=now,
    )  # fmt: skip
    return contact


@transaction.atomic
def change_role(
    *, contact: ClientContact, role: ClientContact.Role, by: Actor, now: datetime, reason: str = "",
    agreed: Proposal | None = None,
) -> None:  # fmt: skip
    """Make a contact owner or editor; `agreed` as for `add`.

    Raises Refusal and four_eyes.NeedsColleague.
    """
    client = _open(Client.objects.locked(contact.client_id))
    contact.role = before = _still_there(client, contact).role
    if before == role:
        return
    if role != ClientContact.Role.OWNER:
        _keep_an_owner(client, contact)
    elif takes_two(client=client, now=now):
        four_eyes.check(by=by, agreed=agreed)
    ClientContact.objects.filter(pk=contact.pk).update(role=role)
    contact.role = role
    changes = {
        "contact": (contact.user.audit_label, contact.user.audit_label), "role": (before, role),
        **four_eyes.first_of_two(agreed),
    }  # fmt: skip
    log.record(
        action=Action.CLIENT_CONTACT_ROLE_CHANGED, actor=by, subject=client, changes=changes, note=by.because(reason)
    )
    tell_contacts(
        client=client, action=Action.CLIENT_CONTACT_ROLE_CHANGED, subject=client.audit_label,
        detail=_told(contact.user), by=by, now=now,
    )  # fmt: skip


@transaction.atomic
def remove(*, contact: ClientContact, by: Actor, now: datetime, reason: str = "") -> None:
    """Remove a contact: their access, their sessions and their unused link end. An open client keeps an owner.

    A person who removes themselves stays signed in with the session at hand.

    They are mailed as well; otherwise an intruder in a contact's mailbox could remove the others first, and then act
    unseen.
    """
    client = Client.objects.locked(contact.client_id)
    role, label, user = _still_there(client, contact).role, contact.user.audit_label, contact.user
    if client.status != Client.Status.CLOSED:
        _keep_an_owner(client, contact)
    tell_contacts(
        client=client,
        action=Action.CLIENT_CONTACT_REMOVED,
        subject=client.audit_label,
        detail=_told(user),
        by=by,
        now=now,
        **_seen(client, user, now),
    )
    contact.delete()
    if not user.is_staff_member:  # the only link of theirs is an invitation to the staff
        management_links.revoke_all(user=user, now=now)
    User.objects.filter(pk=user.pk, contact_of=None).update(phone="")  # nobody calls them about a client any more
    feeds.end_without_clients([user.pk])
    ended = sessions.drop(user=user, keep=by.session if by.user == user else None, now=now)
    changes = {"contact": (label, None), "role": (role, None), **ended}
    log.record(action=Action.CLIENT_CONTACT_REMOVED, actor=by, subject=client, changes=changes, note=by.because(reason))


@transaction.atomic
def change_phone(*, user: User, phone: str, by: Actor, reason: str = "") -> None:
    """Change the number at which the Security team calls a person; "" removes it."""
    before = User.objects.select_for_update(no_key=True).get(pk=user.pk).phone
    if before == phone:
        return
    User.objects.filter(pk=user.pk).update(phone=phone)
    changes = {"phone": (before or None, phone or None)}
    log.record(action=Action.CONTACT_PHONE_CHANGED, actor=by, subject=user, changes=changes, note=by.because(reason))


def takes_two(*, client: Client, now: datetime) -> bool:
    """Return whether a new contact or owner would reach a sensitive scope: a held or a requested one.

    The reviewers of the scope must not find a contact afterwards whom one person alone added meanwhile.
    """
    asked = RegistrationScope.objects.filter(registration__in=client.registrations.open())
    proposed = Proposal.objects.waiting(now).filter(client=client, kind=Proposal.Kind.SCOPES_GIVEN)
    names = [name for proposal in proposed for name in proposal.content["scopes"]]
    reached = Q(clients=client) | Q(pk__in=asked.values("scope")) | Q(name__in=names)
    return Scope.objects.sensitive().filter(reached).exists()


def _told(user: User) -> str:
    """Return the person as the contacts' mails name them."""
    return user.shown_to_contacts if user.is_staff_member else user.audit_label


def _seen(client: Client, user: User, now: datetime) -> dict[str, str]:
    """Return the facts of the mail if this person saw the secret that works on: which one, and when."""
    secret = client.secrets.lasting(now).first() if client.accepts_secrets else None
    seen = sightings.of_client(client).get(secret.audit_id, []) if secret else []
    at = next((one.at for one in seen if one.user == user), None)
    if secret is None or at is None:
        return {}
    return {"seen_by": user.shown_to_contacts, "seen_hint": secret.hint, "seen_at": at.isoformat()}


def _open(client: Client) -> Client:
    if client.status == Client.Status.CLOSED:
        raise Refusal(Code.CLIENT_CLOSED)
    return client


def _still_there(client: Client, contact: ClientContact) -> ClientContact:
    """Return the present row, with the client locked. Raises Refusal if a concurrent act removed the contact."""
    found = client.contacts.filter(pk=contact.pk).first()
    if found is None:
        raise Refusal(Code.CHANGED_MEANWHILE)
    return found


def _keep_an_owner(client: Client, leaving: ClientContact) -> None:
    if not client.contacts.filter(role=ClientContact.Role.OWNER).exclude(pk=leaving.pk).exists():
        raise Refusal(Code.LAST_OWNER)
