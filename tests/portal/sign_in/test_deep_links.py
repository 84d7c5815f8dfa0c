"""Deep links and mailed links land where they say, after any sign-in; and what a fresh link is good for."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import mail as django_mail
from django.test import Client as Browser
from django.urls import reverse

from clients.access import management_links
from clients.acts.credentials import keys
from clients.acts.people import contacts
from clients.mail import outbox, rendering, targets
from clients.models import Client, ClientContact, Mail, ManagementLink, User
from portal.web.next_page import own_page
from tests.portal.support import browsers
from tests.portal.support.browsers import is_asked
from tests.support import factories
from tests.support.factories import by, lotte, wim
from tests.support.keys import certificate

pytestmark = pytest.mark.django_db
HERE = "/journal/?client=1&request_id=abc"


def now() -> datetime:
    return datetime.now(UTC)


def mailed_link(kind: Mail.Kind = Mail.Kind.LINK, *, sent_at: datetime | None = None, to: str = "") -> str:
    """The path in the newest mail of this kind, which the worker sends now."""
    mails = Mail.objects.filter(kind=kind, **({"to": to} if to else {}))
    mail = mails.latest("created_at")
    assert outbox.deliver(mail_id=mail.pk, now=sent_at or max(mail.next_attempt_at, now()))
    return management_links.url(Mail.objects.get(pk=mail.pk).link)  # type: ignore[arg-type]


# --- The page that somebody wanted ------------------------------------------------------------------------------------
def test_a_deep_link_survives_the_mail(client: Browser) -> None:
    lotte()
    front_page = client.get(HERE)["Location"]
    shown = client.get(front_page).text
    assert 'name="next" value="/journal/?client=1&amp;request_id=abc"' in shown
    client.post(reverse("public:ask_link"), {"email": lotte().email, "next": HERE})
    assert ManagementLink.objects.get().target == HERE
    assert Browser().post(mailed_link())["Location"] == HERE


def test_a_deep_link_survives_the_way_to_the_passkey(client: Browser) -> None:
    front_page = client.get(client.get(HERE)["Location"]).text
    [way] = re.findall(r'href="(/link/\?[^"]+)"', front_page)
    page = client.get(way.replace("&amp;", "&")).text
    assert page.count('name="next" value="/journal/?client=1&amp;request_id=abc"') == 2


def test_who_is_signed_in_goes_there_at_once() -> None:
    assert browsers.of(lotte()).get("/", {"next": HERE})["Location"] == HERE


def test_the_link_that_replaces_one_that_is_over_leads_to_the_same_page(client: Browser) -> None:
    client.post(reverse("public:ask_link"), {"email": lotte().email, "next": HERE})
    url = mailed_link()
    ManagementLink.objects.update(expires_at=now())
    assert client.get(url).status_code == 404
    client.post(url, {"renew": "1"})
    renewed = mailed_link()
    assert renewed != url
    assert client.post(renewed)["Location"] == HERE
    assert client.get(url)["Location"] == HERE  # signed in by now


@pytest.mark.parametrize(
    "address",
    [
        "", "https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "clients/",
        "/no/such/page/",
        "/journal/\n", "/open/" + "x" * 43 + "/", "/accounts/sign-out/", "/accounts/sign-in/",
        "/accounts/sso/oidc/sso/login/", "/", "/link/", "/%00/", "http:///journal/", "/journal/\u202e",
    ],
)  # fmt: skip
def test_only_pages_of_ours_that_need_a_sign_in_are_led_to(client: Browser, address: str) -> None:
    assert not own_page(address)
    client.post(reverse("public:ask_link"), {"email": lotte().email, "next": address})
    assert ManagementLink.objects.get().target == ""
    ManagementLink.objects.update(target=address[:499])
    assert client.post(mailed_link())["Location"] == reverse("contact:clients")


def test_an_address_that_is_too_long_is_not_led_to() -> None:
    assert own_page("/journal/?" + "x" * 490)
    assert not own_page("/journal/?" + "x" * 491)


@pytest.mark.parametrize(
    "address", ["/journal/?request_id=1", "/clients/", "/security/", "/log/entries/7/", "/why/7d1c88f041b2"]
)
def test_pages_that_need_a_sign_in_or_gain_by_it_are_led_to(address: str) -> None:
    assert own_page(address) == address


# --- Mails ------------------------------------------------------------------------------------------------------------
def make_every_kind(made: Client) -> dict[Mail.Kind, str]:
    """Return a mail to Lotte of each kind with a link, and the page that the link has to open."""
    registration = factories.submitted_request(contact_email=lotte().email)
    pages = dict.fromkeys(targets.TO_CLIENT, reverse("contact:client", args=[made.uid]))
    pages |= {kind: reverse("contact:request", args=[registration.uid]) for kind in targets.TO_REQUEST}
    pages |= {kind: reverse("contact:add_key", args=[made.uid]) for kind in targets.TO_ADD_KEY}
    pages |= {kind: reverse("contact:propose_change", args=[made.uid]) for kind in targets.TO_CHANGE}
    pages[Mail.Kind.PASSKEY_CHANGED] = reverse("contact:passkeys")
    pages[Mail.Kind.ACCOUNT_CHANGED] = reverse("account:sessions")
    for kind in pages:
        about = {"registration": registration} if kind in targets.TO_REQUEST else {"client": made}
        # The mail that a key ends says when; one about a suspension leads somewhere if the reader may undo it.
        facts = {"not_after": now().isoformat(), "kid": "k", "undo_until": now().isoformat()}
        outbox.queue_for(user=lotte(), kind=kind, facts=facts, now=now(), **about)
    return pages


def test_every_mail_that_asks_for_an_act_has_a_link_that_opens_its_page(made: Client) -> None:
    for kind, page in make_every_kind(made).items():
        mail = Mail.objects.filter(kind=kind, to=lotte().email).latest("created_at")
        assert mail.link is None, "made by the worker"
        url = mailed_link(kind, to=lotte().email)
        assert ManagementLink.objects.latest("pk").target == page, kind
        opened = Browser()
        answer = opened.post(url)
        assert answer["Location"] == page, kind
        assert opened.get(page).status_code == 200, kind


def test_what_a_mail_says_holds_its_link(made: Client) -> None:
    outbox.queue_for(user=lotte(), kind=Mail.Kind.CLIENT_READY, client=made, now=now())
    url = mailed_link(Mail.Kind.CLIENT_READY)
    sent = django_mail.outbox[-1]
    assert url in sent.body
    assert "Do not pass this mail on" in " ".join(str(sent.body).split())
    assert url in str(sent.alternatives[0][0])


def test_news_do_not_end_the_way_in_that_others_hold(made: Client) -> None:
    """Only a newer link to the same page replaces one; a link that was asked for replaces all."""
    contacts.mail_fresh_link(email=lotte().email, by=by(lotte()), now=now())
    asked = mailed_link()
    outbox.queue_for(user=lotte(), kind=Mail.Kind.CLIENT_REACTIVATED, client=made, now=now())
    first = mailed_link(Mail.Kind.CLIENT_REACTIVATED)
    outbox.queue_for(user=lotte(), kind=Mail.Kind.CONTACT_ADDED, client=made, now=now())
    second = mailed_link(Mail.Kind.CONTACT_ADDED)
    assert [Browser().get(url).status_code for url in (asked, first, second)] == [200, 404, 200]
    contacts.mail_fresh_link(email=lotte().email, by=by(lotte()), now=now())
    assert [Browser().get(url).status_code for url in (asked, second, mailed_link())] == [404, 404, 200]


def test_many_news_leave_the_links_that_one_may_ask_for(made: Client) -> None:
    for _mail in range(2 * contacts.LINKS_PER_HOUR):
        outbox.queue_for(user=lotte(), kind=Mail.Kind.CLIENT_READY, client=made, now=now())
        mailed_link(Mail.Kind.CLIENT_READY)
    assert contacts.mail_fresh_link(email=lotte().email, by=by(lotte()), now=now())


def test_who_is_no_contact_any_more_when_the_mail_goes_out_gets_no_link(made: Client) -> None:
    row = contacts.add(
        client=made, email=wim().email, name="", role=ClientContact.Role.EDITOR, by=by(lotte()), now=now()
    )
    contacts.remove(contact=row, by=by(lotte()), now=now())
    for mail in Mail.objects.filter(user=wim()):
        outbox.deliver(mail_id=mail.pk, now=now() + timedelta(minutes=11))
    assert Mail.objects.filter(user=wim(), state=Mail.State.SENT).count() >= 2
    assert not ManagementLink.objects.filter(user=wim()).exists()


def test_staff_get_no_link_in_news(made: Client) -> None:
    outbox.queue_for(user=factories.noor(), kind=Mail.Kind.CLIENT_CHANGED, client=made, now=now())
    outbox.deliver(mail_id=Mail.objects.get(user=factories.noor()).pk, now=now())
    assert not ManagementLink.objects.filter(user=factories.noor()).exists()


def test_a_mail_that_is_sent_again_after_its_link_ended_has_a_new_one(made: Client) -> None:
    outbox.queue_for(user=lotte(), kind=Mail.Kind.CLIENT_READY, client=made, now=now())
    first = mailed_link(Mail.Kind.CLIENT_READY)
    ManagementLink.objects.update(revoked_at=now())
    Mail.objects.update(state=Mail.State.PENDING)
    assert Browser().get(mailed_link(Mail.Kind.CLIENT_READY)).status_code == 200
    assert first != management_links.url(ManagementLink.objects.latest("pk"))


def test_a_mail_without_a_link_names_its_page(made: Client, settings) -> None:
    mail = outbox.queue_for(user=factories.noor(), kind=Mail.Kind.CLIENT_CHANGED, client=made, now=now())
    page = f"{settings.PUBLIC_URL}{reverse('contact:client', args=[made.uid])}"
    assert page in rendering.render(mail, now=now()).html


# --- A fresh link -----------------------------------------------------------------------------------------------------
@pytest.fixture
def opened(made: Client) -> Callable[[timedelta], Browser]:
    """Opens a link of Lotte's so long after it was mailed."""

    def open_it(after: timedelta) -> Browser:
        contacts.mail_fresh_link(email=lotte().email, by=by(lotte()), now=now())
        url, browser = mailed_link(sent_at=now()), Browser()
        Mail.objects.filter(kind=Mail.Kind.LINK).update(sent_at=now() - after, created_at=now() - timedelta(hours=20))
        browser.post(url)
        return browser

    return open_it


@pytest.mark.parametrize(
    ("after", "is_fresh"), [(timedelta(seconds=1), True), (timedelta(minutes=9, seconds=50), True),
                            (timedelta(minutes=10, seconds=1), False), (timedelta(hours=20), False)],
)  # fmt: skip
def test_a_link_that_was_mailed_ten_minutes_ago_at_most_shows_a_secret(
    made: Client, opened: Callable[[timedelta], Browser], after: timedelta, is_fresh: bool
) -> None:
    answer = opened(after).post(reverse("contact:reveal_secret", args=[made.uid]))
    assert is_asked(answer) != is_fresh


def test_it_also_adds_a_key_and_does_nothing_else(made: Client, opened: Callable[[timedelta], Browser]) -> None:
    key = keys.add(client=made, key=certificate(), by=by(lotte()), now=now(), active=False)
    browser = opened(timedelta(seconds=5))
    material = {"material": '{"kty": "OKP"}'}
    assert not is_asked(browser.post(reverse("contact:confirm_key", args=[made.uid]), material))
    row = contacts.add(
        client=made, email=wim().email, name="", role=ClientContact.Role.EDITOR, by=by(lotte()), now=now()
    )
    for name, args, form in (
        ("contact:contacts", [made.uid], {"name": "An", "email": "an@leiestroom.example", "role": "editor"}),
        ("contact:remove_contact", [made.uid, row.uid], {}),
        ("contact:change_contact_role", [made.uid, row.uid], {"role": "owner"}),
        ("contact:add_passkey", [], {}),
        ("contact:change_client_id", [made.uid], {"seen": made.client_id}),
        ("contact:invalidate_tokens", [made.uid], {}),
        ("contact:regenerate_secret", [made.uid], {"replaces": made.secrets.get().uid, "overlap": "0"}),
        ("contact:activate_key", [made.uid, key.uid], {}),
    ):
        assert is_asked(browser.post(reverse(name, args=args), form)), name


def test_it_is_good_for_as_long_as_a_code(made: Client, opened: Callable[[timedelta], Browser]) -> None:
    browser = opened(timedelta(seconds=5))
    with time_machine.travel(time.time() + 15 * 60 - 5):
        assert not is_asked(browser.post(reverse("contact:reveal_secret", args=[made.uid])))
    with time_machine.travel(time.time() + 15 * 60 + 1):
        assert is_asked(browser.post(reverse("contact:reveal_secret", args=[made.uid])))


def test_a_link_that_no_mail_brought_is_not_fresh(made: Client) -> None:
    link = management_links.issue(user=lotte(), now=now())
    management_links.activate(link)
    browser = Browser()
    browser.post(management_links.url(link))
    assert is_asked(browser.post(reverse("contact:reveal_secret", args=[made.uid])))


def test_the_worker_that_has_sent_the_mail_need_not_have_said_so(made: Client) -> None:
    contacts.mail_fresh_link(email=lotte().email, by=by(lotte()), now=now())
    url = mailed_link()
    Mail.objects.filter(kind=Mail.Kind.LINK).update(sent_at=None, created_at=now() - timedelta(minutes=1))
    browser = Browser()
    browser.post(url)
    assert not is_asked(browser.post(reverse("contact:reveal_secret", args=[made.uid])))


def test_two_people_do_not_share_a_link(made: Client) -> None:
    person: User = wim()
    outbox.queue_for(user=person, kind=Mail.Kind.PASSKEY_CHANGED, now=now())
    url = mailed_link(Mail.Kind.PASSKEY_CHANGED, to=person.email)
    assert browsers.of(lotte()).get(url).status_code == 200
    ManagementLink.objects.update(used_at=now())
    assert browsers.of(lotte()).get(url).status_code == 404
