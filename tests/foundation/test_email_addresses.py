"""A mailbox counts once, for all spellings of its address."""

import pytest
from django.db import IntegrityError, transaction

from clients.access import one_time_codes
from clients.acts import review
from clients.acts.people import contacts
from clients.acts.people import staff as people
from clients.models import Mail, MailedCode, User
from clients.refusal_codes import Code
from foundation import email_addresses
from foundation.email_addresses import NotAnAddress, mailbox, normal
from foundation.refusals import Refusal
from tests.support import factories
from tests.support.factories import NOW, by, client, lotte, noor, submitted_request

SPELLINGS = [
    "noor@café.example",
    "NOOR@Café.Example",
    "noor@ｃａｆé.ｅxample",
    "noor@café.example.",
    "noor@café。example",
    "noor@xn--caf-dma.example",
    "noor@cafe\N{COMBINING ACUTE ACCENT}.example",
    "noor@ca\N{SOFT HYPHEN}fé.example",
    "noor+keydesk@café.example",
    "ｎｏｏｒ＠café．example",
    '"noor"@café.example',
    '"n\\oor+x"@café.example',
]
# Of one mailbox in a domain that the tests' staff have.
NOORS = ["Noor@Keydesk.example", "noor+x@keydesk.example", "noor@keydesk.ｅxample", "noor@keydesk。example"]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_all_spellings_of_a_mailbox_have_one_key(spelling: str) -> None:
    assert mailbox(spelling) == "noor@xn--caf-dma.example"
    assert email_addresses.in_unicode(email_addresses.domain_of(spelling)) == "café.example"


def test_people_read_letters_and_the_form_that_mail_servers_use() -> None:
    assert email_addresses.in_full("noor@xn--caf-dma.example") == "noor@café.example (xn--caf-dma.example)"
    assert email_addresses.in_full("noor@keydesk.example") == "noor@keydesk.example"
    assert email_addresses.in_full("xn--a.example") == "xn--a.example"


def test_the_normal_form_keeps_the_tag_and_is_its_own_normal_form() -> None:
    assert normal("Noor+X@Café.example.") == "noor+x@xn--caf-dma.example"
    for spelling in SPELLINGS:
        assert normal(normal(spelling)) == normal(spelling)
        assert mailbox(mailbox(spelling)) == mailbox(spelling)


@pytest.mark.parametrize("text", ["+x@a.example", "a+@a.example"])
def test_an_address_that_is_only_a_tag_keeps_its_local_part(text: str) -> None:
    assert mailbox(text) in ("+x@a.example", "a@a.example")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "@a.example",
        "a@",
        "a@.",
        "a b@a.example",
        '"a b"@a.example',
        "ı@a.example",
        "a@b@a.example",
        "a@xn--a.example",
        "a@☃.example",
        "a@" + "ä" * 64 + ".example",
        "a" * 250 + "@a.example",
        "a@a\udc80.example",
    ],
)
def test_what_has_no_normal_form_is_refused_and_compared_as_it_is(text: str) -> None:
    with pytest.raises(NotAnAddress):
        normal(text)
    assert mailbox(text) == text.strip().lower()


@pytest.mark.django_db
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_spelling_of_a_known_mailbox_makes_no_second_person(spelling: str) -> None:
    known = User.objects.contact(email="noor@café.example", name="Noor")
    assert known.email == "noor@xn--caf-dma.example"
    assert User.objects.contact(email=spelling, name="Somebody") == known
    assert User.objects.with_address(spelling).get() == known
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(email=f"x{spelling}", mailbox=mailbox(spelling))


@pytest.mark.django_db
@pytest.mark.parametrize("spelling", NOORS)
def test_another_spelling_of_ones_address_does_not_decide_on_ones_request(spelling: str) -> None:
    """Also when the address was entered before there were normal forms, and made another person."""
    reviewer, asked = by(noor()), submitted_request()
    scopes = [row.scope for row in asked.asked.all()]
    asked.contact_email = spelling
    asked.save()
    with pytest.raises(Refusal, match=Code.OWN_REQUEST):
        review.approve(
            registration=asked, scopes=scopes, defaults=scopes, seen=asked.content_hash, by=reviewer, now=NOW
        )


@pytest.mark.django_db
def test_a_request_under_a_spelling_of_a_staff_address_is_by_that_person() -> None:
    staff = noor()
    assert [submitted_request(contact_email=spelling).requester for spelling in NOORS] == [staff] * len(NOORS)


@pytest.mark.django_db
def test_codes_mailed_to_all_spellings_of_a_mailbox_are_counted_together() -> None:
    for number in range(one_time_codes.MAILED_PER_HOUR):
        one_time_codes.issue(purpose=MailedCode.Purpose.CONFIRM_REQUEST, email=SPELLINGS[number], now=NOW)
    for spelling in SPELLINGS:
        with pytest.raises(Refusal, match=Code.TOO_MANY_CODES):
            one_time_codes.issue(purpose=MailedCode.Purpose.CONFIRM_REQUEST, email=spelling, now=NOW)


@pytest.mark.django_db
def test_links_mailed_to_all_spellings_of_a_mailbox_are_counted_together() -> None:
    User.objects.contact(email=SPELLINGS[0])
    mailed = [contacts.mail_fresh_link(email=spelling, by=factories.SYSTEM, now=NOW) for spelling in SPELLINGS]
    assert sum(mailed) == contacts.LINKS_PER_HOUR
    assert {mail.to for mail in Mail.objects.filter(kind=Mail.Kind.LINK)} == {"noor@xn--caf-dma.example"}


@pytest.mark.django_db
def test_a_contact_is_added_once_however_the_address_is_spelled() -> None:
    mine, _secret = client()
    role = mine.contacts.get().role
    for spelling in ["Lotte@leiestroom.example", "lotte+x@leiestroom.example", "lotte@leiestroom。example"]:
        with pytest.raises(Refusal, match=Code.CONTACT_ALREADY):
            contacts.add(client=mine, email=spelling, name="L", role=role, by=by(lotte()), now=NOW)


@pytest.mark.django_db
def test_an_invitation_goes_to_the_registered_address_or_nowhere() -> None:
    people.invite_staff(email="Eva@Keydesk.Example.", name="Eva", role=User.Role.AUDITOR, by=factories.SYSTEM, now=NOW)
    again = people.invite_staff(
        email="eva@keydesk.example", name="Eva", role=User.Role.AUDITOR, by=factories.SYSTEM, now=NOW
    )
    assert (again.email, User.objects.count()) == ("eva@keydesk.example", 1)
    with pytest.raises(Refusal, match=Code.OTHER_ADDRESS_OF_MAILBOX):
        people.invite_staff(
            email="eva+x@keydesk.example", name="Eva", role=User.Role.AUDITOR, by=factories.SYSTEM, now=NOW
        )


@pytest.mark.django_db
def test_people_with_spellings_of_one_mailbox_each_find_what_is_theirs() -> None:
    """The plainest one has the common key, the others that of their own spelling, as `addresses.spellings` tells."""
    common = "noor@keydesk.example"
    others = ["noor@keydesk.ｅxample", "noor+x@keydesk.example", "noor@keydesk。example"]
    made = {text: User.objects.create(email=text, mailbox=text) for text in (common, *others)}
    for text, user in made.items():
        assert User.objects.with_address(text).first() == user
    assert User.objects.with_address("noor+other@keydesk.example").get() == made[common]
