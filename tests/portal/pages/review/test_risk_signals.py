"""Risk signals: what was typed proves nothing, and what deceives is a high risk."""

import pytest
from django.urls import reverse

from clients.acts import client_requests
from clients.acts.people import contacts
from clients.models import ClientContact, Registration, User
from portal.pages.review import risk_signals
from tests.portal.support import browsers
from tests.portal.support.html import without_breaks
from tests.portal.support.staff import signed_in
from tests.support import factories

pytestmark = pytest.mark.django_db
CHOSEN = {"high": "bad", "medium": "warn", "low": "none"}  # in the filter of the queue
LEIESTROOM = "waterbedrijf LEIESTROOM"  # of factories.client, whose contact is at leiestroom.example


def signals(**changes: object) -> dict[str, str]:
    """The text of each signal of a request, and its weight."""
    asked = factories.submitted_request(**changes)
    found = risk_signals.signals_of(asked, risk_signals.known_about([asked]))
    return {hint.text: hint.state for hint in found} | {"risk": risk_signals.risk(found)}


def review(asked: Registration) -> str:
    return without_breaks(signed_in(factories.noor()).get(reverse("security:review", args=[asked.uid])).text)


def test_a_typed_organisation_proves_nothing() -> None:
    factories.client()
    found = signals(organisation=LEIESTROOM, contact_email="jan@evil.example")
    assert found["This organisation has 1 client"] == "info"
    assert found["Not the mail domain of this organisation's contacts"] == "bad"
    assert found["risk"] == "high"


@pytest.mark.parametrize("address", ["jan@leiestroom.example", "jan@it.leiestroom.example", "jan@Leiestroom。example"])
def test_the_mail_domain_of_the_organisations_contacts_is_good(address: str) -> None:
    factories.client()
    found = signals(organisation=LEIESTROOM, contact_email=address)
    assert found["Mail domain of this organisation's contacts"] == "ok"
    assert found["risk"] == "low"


def test_the_clients_of_the_organisation_are_one_step_away() -> None:
    factories.client()
    asked = factories.submitted_request(organisation=LEIESTROOM)
    (theirs,) = [hint for hint in risk_signals.signals_of(asked, risk_signals.known_about([asked])) if hint.url]
    assert len(signed_in(factories.noor()).get(theirs.url).context["rows"]) == 1


def test_free_mail_of_one_contact_opens_an_organisation_to_nobody() -> None:
    factories.client(contact=User.objects.contact(email="lotte@gmail.com"))
    found = signals(organisation=LEIESTROOM, contact_email="jan@gmail.com")
    assert found["Free-mail address"] == "warn"
    assert "ok" not in found.values()


def test_an_unknown_domain_is_neither_good_nor_bad() -> None:
    found = signals(contact_email="jan@crowd.example")
    assert found["Mail domain: crowd.example"] == "info"
    assert "ok" not in found.values()


@pytest.mark.parametrize("address", ["jan@vlааnderen.example", "jan@xn--vlnderen-26ga.example"])
def test_a_domain_of_two_alphabets_is_a_high_risk_and_shown_in_both_forms(address: str) -> None:
    asked = factories.submitted_request(contact_email=address)
    assert asked.contact_email == "jan@xn--vlnderen-26ga.example"
    text = review(asked)
    assert "Letters of different alphabets in the mail domain" in text
    assert "jan@vlааnderen.example (xn--vlnderen-26ga.example)" in text
    assert "High risk" in text


@pytest.mark.parametrize("domain", ["leıestroom.example", "ieiestroom.example", "1eiestroom.example"])
def test_a_look_alike_of_a_known_domain_is_a_high_risk(domain: str) -> None:
    factories.client()
    found = signals(contact_email=f"jan@{domain}", organisation=LEIESTROOM)
    assert found["The mail domain looks like another one"] == "bad"
    assert found["risk"] == "high"


@pytest.mark.parametrize("domain", ["keydesк.example", "keydesk.exampIe", "кeydesk.example"])
def test_a_look_alike_of_the_staffs_domain_is_a_high_risk(domain: str) -> None:
    factories.noor()
    assert signals(contact_email=f"jan@{domain}")["risk"] == "high"


@pytest.mark.parametrize(
    "name", ["Bram Wouters", "wouters bram", "Brаm Wouters", "Bram W0uters", "Bram Wouters (Security team)"]
)
def test_the_name_of_a_member_of_staff_is_a_high_risk(name: str) -> None:
    factories.bram()
    found = signals(contact_name=name)
    assert found["The requester's name is that of a member of staff, or looks like it"] == "bad"
    assert found["risk"] == "high"


def test_the_name_that_a_person_had_before_counts_too() -> None:
    factories.bram()
    factories.person("jan@evil.example", "Bram Wouters")
    found = signals(contact_name="Jan", contact_email="jan@evil.example")
    assert found["The requester's name is that of a member of staff, or looks like it"] == "bad"


def test_a_member_of_staff_may_ask_under_their_own_name() -> None:
    bram = factories.bram()
    assert "bad" not in signals(contact_name=bram.name, contact_email=bram.email).values()


@pytest.mark.parametrize("field", ["contact_name", "organisation", "client_name"])
def test_letters_of_two_alphabets_in_a_name_are_a_high_risk(field: str) -> None:
    found = signals(**{field: "Noor El Аmrani"})
    assert found["Letters of different alphabets in one name"] == "bad"


def test_a_scope_is_never_called_a_low_risk() -> None:
    asked = factories.submitted_request(contact_email="wim@gmail.com")
    text = review(asked)
    assert "Low risk" not in text
    assert "Not marked sensitive" in text


def test_on_the_review_page_a_name_stands_with_address_and_role(now) -> None:
    """A stranger with the name of a reviewer, who writes like one: nobody can take the one for the other."""
    bram = factories.bram()
    asked = factories.submitted_request(now, contact_name="Bram Wouters", contact_email="bram.w@evil.example")
    for author in (asked.person, bram):
        client_requests.comment(registration=asked, text="Fine for me.", by=factories.by(author), now=now)
    text = " ".join(review(asked).split())
    signed = '<b>Bram Wouters</b> <span class="kd-break">&lt;{}&gt;</span> <span class="kd-tag kd-tag--{}">{}</span>'
    requester = signed.format("bram.w@evil.example", "mute", "Requester")
    reviewer = signed.format(bram.email, "ok", "Security team")
    conversation = text[text.index('id="conversation"') :]
    assert conversation.count(requester) == conversation.count(reviewer) == 1
    history = text[: text.index('id="conversation"')]
    assert history.count(requester) == 2  # confirmed the request, and wrote
    assert history.count(reviewer) == 1
    assert text.count("<b>Bram Wouters</b>") == 5


def test_a_long_history_takes_no_more_queries_than_a_short_one(now) -> None:
    asked, counts = factories.submitted_request(now), []
    browser = signed_in(factories.noor())
    for _round in range(2):
        for author in (asked.person, factories.bram(), factories.ada()):
            client_requests.comment(registration=asked, text="Fine.", by=factories.by(author), now=now)
        counts.append(browsers.queries(browser, reverse("security:review", args=[asked.uid])))
    assert counts[0] == counts[1]


def test_whoever_approves_a_sensitive_scope_sees_who_else_gets_it() -> None:
    """A member of the team may have added a contact alone, before there was anything sensitive to reach."""
    client, _secret = factories.client()
    contacts.add(
        client=client, email="noor.private@mail.example", name="N", role=ClientContact.Role.OWNER,
        reason="On the telephone", by=factories.by(factories.noor()), now=factories.NOW,
    )  # fmt: skip
    content = factories.content(scopes=(factories.scope("person.nrn.read", sensitive=True),))
    asked = client_requests.propose_change(
        client=client, content=content, by=factories.by(factories.lotte()), now=factories.NOW
    )
    page = review(asked)
    assert "2 contacts of the client get what you approve" in page
    assert f"noor.private@mail.example since {factories.NOW:%Y-%m-%d}" in page
    plain = factories.content()
    client_requests.withdraw(registration=asked, by=factories.by(factories.lotte()), now=factories.NOW)
    asked = client_requests.propose_change(
        client=client, content=plain, by=factories.by(factories.lotte()), now=factories.NOW
    )
    assert "get what you approve" not in review(asked)


def test_the_queue_filters_by_the_risk_that_its_lines_show() -> None:
    factories.client()
    sensitive = (factories.scope("nrn", sensitive=True),)
    theirs = {"organisation": LEIESTROOM, "contact_email": "jan@leiestroom.example"}
    for changes in (
        {}, theirs, {**theirs, "contact_email": "jan@evil.example"}, {"contact_name": factories.noor().name},
        {"contact_email": "jan@gmail.com"}, {"scopes": sensitive}, {**theirs, "scopes": sensitive},
    ):  # fmt: skip
        factories.submitted_request(**changes)
    shown = queue_lines("sort=sent")
    found = {risk: queue_lines(f"sort=sent&signal={chosen}") for risk, chosen in CHOSEN.items()}
    assert found == {risk: [line for line in shown if line[1] == risk] for risk in CHOSEN}
    assert all(found.values())


def queue_lines(query: str) -> list[tuple[int, str]]:
    """Return the requests of a view of the queue, each with its risk."""
    groups = signed_in(factories.noor()).get(f"{reverse('security:queue')}?{query}").context["groups"]
    return [(line.registration.pk, line.risk) for group in groups for line in group["lines"]]
