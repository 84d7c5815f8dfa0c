"""Contacts of a client: owners change them, editors do not; and change requests."""

import re
from datetime import timedelta

import pytest
from django.core import mail as outgoing
from django.urls import reverse

from audit.actions import Action
from audit.models import Entry
from clients.access import management_links
from clients.acts import client_requests, lifecycle
from clients.acts.credentials import client_secrets
from clients.acts.people import contacts
from clients.acts.people import staff as people
from clients.mail import outbox
from clients.mail.rendering import render
from clients.models import Client, ClientContact, Mail, Registration, User
from portal.ui.dates import day
from tests.portal.support import browsers
from tests.portal.support.browsers import confirmed
from tests.support import factories

pytestmark = pytest.mark.django_db
Role = ClientContact.Role
JORIS = {"name": "Joris De Backer", "email": "joris@leiestroom.example", "role": "editor"}


def add_wim(client: Client, now) -> ClientContact:
    wim = factories.wim()
    return contacts.add(
        client=client, email=wim.email, name=wim.name, role=Role.EDITOR, by=factories.by(factories.lotte()), now=now
    )


def test_an_owner_adds_a_contact_who_gets_a_link(made, browser) -> None:
    confirmed(browser, reverse("contact:contacts", args=[made.uid]), JORIS)
    assert "Joris De Backer" in browser.get(reverse("contact:contacts", args=[made.uid])).text
    assert Mail.objects.get(kind=Mail.Kind.CONTACT_ADDED).to == "joris@leiestroom.example"
    assert Entry.objects.with_action(Action.CLIENT_CONTACT_ADDED).count() == 1


def test_adding_an_address_of_the_staff_leaves_its_invitation_alone(made, browser, now) -> None:
    eva = people.invite_staff(
        email="eva@keydesk.example", name="Eva", role=User.Role.AUDITOR, by=factories.SYSTEM, now=now
    )
    invitation = eva.links.usable(now).get()
    answers = []
    for email in (eva.email, JORIS["email"]):
        confirmed(browser, reverse("contact:contacts", args=[made.uid]), {**JORIS, "email": email})
        answers.append(browser.get(reverse("contact:contacts", args=[made.uid])))
    assert [(each.status_code, "We mailed them" in each.text) for each in answers] == [(200, True)] * 2
    mail = Mail.objects.get(kind=Mail.Kind.CONTACT_ADDED, to=eva.email)
    assert mail.link is None
    assert "sign in as you always do" in render(mail, now=now).body

    row = made.contacts.get(user=eva)
    browser.post(reverse("contact:remove_contact", args=[made.uid, row.uid]))
    assert not made.contacts.filter(user=eva).exists()
    assert eva.links.usable(now).get() == invitation


def test_an_owner_who_adds_an_address_of_the_staff_does_not_read_its_name(made, browser) -> None:
    staff = factories.noor()
    form = {"name": "Somebody", "email": staff.email, "role": "editor"}
    confirmed(browser, reverse("contact:contacts", args=[made.uid]), form)
    row = made.contacts.get(user=staff)
    pages = [
        reverse("contact:contacts", args=[made.uid]), reverse("contact:client", args=[made.uid]),
        reverse("contact:client_history", args=[made.uid]), reverse("contact:regenerate_secret", args=[made.uid]),
        reverse("contact:remove_contact", args=[made.uid, row.uid]),
    ]  # fmt: skip
    texts = {page: browser.get(page).text for page in pages}
    confirmed(browser, reverse("contact:change_contact_role", args=[made.uid, row.uid]), {"role": "owner"})
    texts["said"] = browser.get(pages[0]).text
    confirmed(browser, pages[-1])
    texts |= {"gone": browser.get(pages[2]).text, "mails": str(list(Mail.objects.values_list("facts", flat=True)))}
    assert staff.email in texts[pages[0]]
    for name, text in texts.items():
        assert "Amrani" not in text, name


def test_staff_get_no_link_but_their_invitation(now) -> None:
    with pytest.raises(ValueError, match="no link"):
        management_links.issue(user=factories.bram(), now=now)


def test_in_the_history_staff_are_the_security_team(made, browser, now) -> None:
    add_wim(made, now)
    lifecycle.suspend(client=made, reason="For now", by=factories.by(factories.noor()), now=now)
    text = browser.get(reverse("contact:client_history", args=[made.uid])).text
    assert "The Security team suspended the client" in text
    assert "Lotte Verhaeghe added a contact" in text
    assert "Noor" not in text
    assert "noor@keydesk.example" not in text


def test_a_contact_is_added_once(made, browser) -> None:
    for _time in range(2):
        answer = confirmed(browser, reverse("contact:contacts", args=[made.uid]), JORIS).text
    assert "is a contact of the client already" in answer
    assert made.contacts.count() == 2


def test_an_editor_sees_the_contacts_and_changes_none(made, now) -> None:
    row = add_wim(made, now)
    wim = browsers.of(factories.wim())
    text = wim.get(reverse("contact:contacts", args=[made.uid])).content.decode()
    assert "Only an owner adds, changes or removes contacts" in text
    for name, args, form in (
        ("contact:contacts", [made.uid], JORIS),
        ("contact:change_contact_role", [made.uid, row.uid], {"role": "owner"}),
        ("contact:remove_contact", [made.uid, row.uid], {}),
    ):
        assert wim.post(reverse(name, args=args), form).status_code == 404
    row.refresh_from_db()
    assert row.role == Role.EDITOR


def test_an_owner_makes_another_owner_and_removes_them(made, browser, now) -> None:
    row = add_wim(made, now)
    confirmed(browser, reverse("contact:change_contact_role", args=[made.uid, row.uid]), {"role": "owner"})
    row.refresh_from_db()
    assert row.role == Role.OWNER
    url = reverse("contact:remove_contact", args=[made.uid, row.uid])
    assert "Remove this contact?" in browser.get(url).content.decode()
    browser.post(url)
    assert made.contacts.count() == 1
    assert browsers.of(factories.wim()).get(reverse("contact:client", args=[made.uid])).status_code == 404


def test_the_others_replace_a_secret_that_who_leaves_has_seen_by_one_button(made, browser, now) -> None:
    row, wim, lotte = add_wim(made, now), factories.by(factories.wim()), factories.by(factories.lotte())
    client_secrets.view(secret=made.secrets.get(), by=wim, now=now)
    seen_on = day(Entry.objects.with_action(Action.SECRET_VIEWED)[0].at)
    replace = reverse("contact:regenerate_secret", args=[made.uid])
    hint = made.secrets.get().hint
    told = f"Wim Goossens saw the secret …{hint} on {seen_on}"
    assert told not in browser.get(reverse("contact:client", args=[made.uid])).text, "a contact may know it"

    contacts.remove(contact=row, by=lotte, now=now)
    page = browser.get(reverse("contact:client", args=[made.uid])).text
    assert told in page
    assert re.search(rf'href="{replace}">Replace the secret', page)
    credentials = " ".join(browser.get(reverse("contact:credentials", args=[made.uid])).text.split())
    assert f"Wim Goossens, no contact any more, who saw it on {seen_on}" in credentials

    mail = Mail.objects.get(kind=Mail.Kind.CLIENT_CHANGED, to=lotte.user.email, facts__action="client.contact_removed")
    assert outbox.deliver(mail_id=mail.pk, now=mail.next_attempt_at)
    (sent,) = [one for one in outgoing.outbox if one.to == [lotte.user.email] and "removed" in one.subject]
    assert f"Wim Goossens saw the secret that ends in {hint} on {seen_on}, and it still works." in " ".join(
        sent.body.split()
    )
    link = re.search(r"Replace the secret:\s+(\S+)", sent.body)
    assert link
    assert management_links.find(link[1].split("/open/")[1].strip("/"), now=mail.next_attempt_at).target == replace

    client_secrets.regenerate(client=made, replaces=made.secrets.get(), overlap=timedelta(0), by=lotte, now=now)
    assert "saw the secret" not in browser.get(reverse("contact:client", args=[made.uid])).text


def test_who_never_saw_the_secret_or_saw_another_is_no_reason_to_replace_it(made, browser, now) -> None:
    row, lotte = add_wim(made, now), factories.by(factories.lotte())
    client_secrets.view(secret=made.secrets.get(), by=factories.by(factories.wim()), now=now)
    client_secrets.regenerate(client=made, replaces=made.secrets.get(), overlap=timedelta(days=1), by=lotte, now=now)
    contacts.remove(contact=row, by=lotte, now=now)
    mail = Mail.objects.get(kind=Mail.Kind.CLIENT_CHANGED, to=lotte.user.email, facts__action="client.contact_removed")
    assert "seen_at" not in mail.facts
    assert "saw the secret" not in browser.get(reverse("contact:client", args=[made.uid])).text


def test_the_last_owner_stays(made, browser) -> None:
    row = made.contacts.get()
    for name, form in (("contact:change_contact_role", {"role": "editor"}), ("contact:remove_contact", {})):
        confirmed(browser, reverse(name, args=[made.uid, row.uid]), form)
        assert "A client needs an owner" in browser.get(reverse("contact:contacts", args=[made.uid])).text
    row.refresh_from_db()
    assert row.role == Role.OWNER


def test_changing_contacts_asks_for_a_mailed_code(made) -> None:
    browser = browsers.of(factories.lotte(), stepped_up=False)
    assert "six-digit code" in browser.post(reverse("contact:contacts", args=[made.uid]), JORIS, follow=True).text
    assert made.contacts.count() == 1


def test_the_only_owner_is_not_asked_to_leave(made, browser, now) -> None:
    url, row = reverse("contact:contacts", args=[made.uid]), made.contacts.get()
    removing = reverse("contact:remove_contact", args=[made.uid, row.uid])
    text = browser.get(url).content.decode()
    assert "a client needs an owner" in text
    assert removing not in text
    ClientContact.objects.filter(pk=add_wim(made, now).pk).update(role=Role.OWNER)
    assert removing in browser.get(url).content.decode()


def test_a_change_of_scopes_goes_to_the_security_team(made, browser) -> None:
    factories.scope("person.read")
    url = reverse("contact:propose_change", args=[made.uid])
    assert 'value="address.read" checked' in browser.get(url).content.decode()
    form = {
        "organisation": made.organisation,
        "client_name": made.name,
        "purpose": "Letters.",
        "reason": "We also write to persons now.",
        "scopes": ["address.read", "person.read"],
    }
    shown = browser.post(url, form, follow=True).content.decode()
    assert "What would change" in shown
    assert "</span>address.read person.read</ins>" in shown
    asked = Registration.objects.awaiting_review().get()
    assert asked.kind == Registration.Kind.CHANGE
    assert [scope.name for scope in made.scopes.all()] == ["address.read"]
    again = browser.post(url, form).content.decode()
    assert "A request about this client is being reviewed" in again


def test_a_change_of_nothing_is_not_sent(made, browser) -> None:
    Client.objects.filter(pk=made.pk).update(purpose="Letters,\nand parcels.")
    same = {"organisation": made.organisation, "client_name": made.name, "scopes": ["address.read"], "reason": "x"}
    answer = browser.post(
        reverse("contact:propose_change", args=[made.uid]), {**same, "purpose": "Letters,\r\nand parcels."}
    )
    assert answer.status_code == 422
    assert "You changed nothing" in answer.content.decode()
    assert not Registration.objects.exists()


def test_a_waiting_change_is_shown_instead_of_a_form_that_cannot_be_sent(made, browser, now) -> None:
    scopes = (factories.scope("person.read"),)
    waiting = client_requests.propose_change(
        client=made, content=factories.content(scopes=scopes), by=factories.by(factories.lotte()), now=now
    )
    url = reverse("contact:propose_change", args=[made.uid])
    assert browser.get(url).headers["Location"] == reverse("contact:request", args=[waiting.uid])
    colleague = factories.person("joris@leiestroom.example", "Joris De Backer")
    ClientContact.objects.create(client=made, user=colleague, role=Role.EDITOR, added_at=now)
    theirs = browsers.of(colleague)
    text = theirs.get(url, follow=True).content.decode()
    assert "A request about this client is being reviewed. Wait for it, or withdraw it first." in text
    assert reverse("contact:withdraw_request", args=[waiting.uid]) in text
    text = theirs.get(reverse("contact:client", args=[made.uid])).content.decode()
    assert "Asked by Lotte Verhaeghe" in text
    assert reverse("contact:request", args=[waiting.uid]) in text


def test_the_page_asks_the_database_as_often_for_ten_contacts_as_for_one(made, browser, now) -> None:
    url = reverse("contact:contacts", args=[made.uid])
    for_one = browsers.queries(browser, url)
    for number in range(9):
        person = factories.person(f"person{number}@leiestroom.example", f"Person {number}")
        ClientContact.objects.create(client=made, user=person, role=Role.EDITOR, added_at=now)
    assert browsers.queries(browser, url) == for_one
