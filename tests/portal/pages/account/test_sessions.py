"""Sessions: where one is signed in, and who can end that."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.test import Client as Browser
from django.urls import reverse

from audit.actions import Action
from audit.models import Entry
from clients.access import management_links
from clients.access.session_store import UID
from clients.actors import Actor
from clients.acts.people import contacts
from clients.authentication import passkeys
from clients.mail import rendering
from clients.models import Client, ClientContact, Mail, Session
from tests.portal.support import browsers, staff
from tests.support import factories
from tests.support.factories import by, lotte, noor, wim

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"


def now() -> datetime:
    return datetime.now(UTC)


def signed_in(count: int, *, user: object = None, **where: str) -> list[Browser]:
    """Browsers that were used once."""
    opened = [browsers.of(user or lotte()) for _browser in range(count)]  # type: ignore[arg-type]
    for browser in opened:
        assert browser.get(reverse("contact:clients"), **where).status_code == 200
    return opened


def alive(browser: Browser) -> bool:
    return browser.get(reverse("contact:clients")).status_code == 200


def entry() -> Entry:
    return Entry.objects.with_action(Action.SESSIONS_ENDED).get()


# --- By their owner ---------------------------------------------------------------------------------------------------
def test_the_page_lists_ones_own_sessions_with_browser_place_and_times() -> None:
    signed_in(1, user=wim(), REMOTE_ADDR="203.0.113.9")
    _other, here = signed_in(1, HTTP_USER_AGENT=FIREFOX, REMOTE_ADDR="198.51.100.7"), signed_in(1)[0]
    text = here.get(reverse("account:sessions")).text
    for words in ("Firefox, Linux", "198.51.100.7", "127.0.0.1", "This one", "just now"):
        assert words in text
    assert "203.0.113.9" not in text
    assert text.count("This one") == 1


def test_a_session_that_moves_to_another_network_says_so_at_once() -> None:
    (browser,) = signed_in(1)
    browser.get(reverse("contact:clients"), REMOTE_ADDR="198.51.100.7")
    assert Session.objects.get(user=lotte()).address == "198.51.100.7"


def test_one_session_is_ended_and_the_others_go_on() -> None:
    here, there, elsewhere = signed_in(3)
    answer = here.post(reverse("account:end_session", args=[there.session[UID]]), follow=True)
    assert "That session has ended" in answer.text
    assert (alive(here), alive(there), alive(elsewhere)) == (True, False, True)
    assert entry().changes == {"sessions": [3, 2]}
    assert entry().actor_id == lotte().audit_id
    again = here.post(reverse("account:end_session", args=[elsewhere.session.get(UID)]), follow=True)
    assert again.status_code == 200


def test_ending_the_session_of_this_browser_signs_it_out() -> None:
    (here,) = signed_in(1)
    answer = here.post(reverse("account:end_session", args=[here.session[UID]]))
    assert answer["Location"] == reverse("public:landing")
    assert not alive(here)


def test_nobody_ends_the_session_of_somebody_else() -> None:
    (theirs,), (mine,) = signed_in(1, user=wim()), signed_in(1)
    answer = mine.post(reverse("account:end_session", args=[theirs.session[UID]]), follow=True)
    assert "had ended already" in answer.text
    assert alive(theirs)
    assert not Entry.objects.with_action(Action.SESSIONS_ENDED).exists()


@pytest.mark.parametrize(("which", "here_after"), [("others", True), ("all", False)])
def test_signing_out_everywhere_ends_the_sessions_and_the_open_links(which: str, here_after: bool) -> None:
    here, there = signed_in(2)
    link = management_links.issue(user=lotte(), now=now())
    management_links.activate(link)
    (stranger,) = signed_in(1, user=wim())
    here.post(reverse("account:end_sessions"), {"which": which})
    assert (alive(here), alive(there), alive(stranger)) == (here_after, False, True)
    assert Browser().post(management_links.url(link)).status_code == 404
    assert entry().changes == {"sessions": [2, int(here_after)]}


def test_a_session_ended_while_it_asks_for_a_code_does_nothing_more() -> None:
    client, _secret = factories.client()
    here, thief = browsers.of(lotte(), stepped_up=False), browsers.of(lotte(), stepped_up=False)
    page = thief.post(reverse("contact:invalidate_tokens", args=[client.uid]))["Location"]
    here.post(reverse("account:end_sessions"), {"which": "others"})
    thief.post(page, {"code": browsers.newest_code()})
    assert not Entry.objects.with_action(Action.CLIENT_TOKENS_INVALIDATED).exists()


def test_a_newer_link_ends_older_sessions_only_for_who_wants_that() -> None:
    (older,) = signed_in(1)

    def opens_a_link(**form: str) -> Browser:
        link, browser = management_links.issue(user=lotte(), now=now()), Browser()
        management_links.activate(link)
        assert "Sign me out everywhere else" in browser.get(management_links.url(link)).text
        browser.post(management_links.url(link), form)
        return browser

    newer = opens_a_link()
    assert alive(older)
    newest = opens_a_link(others="1")
    assert (alive(older), alive(newer), alive(newest)) == (False, False, True)


def test_what_has_ended_by_itself_is_not_listed() -> None:
    here, idle = signed_in(2)
    session = idle.session
    session["seen_at"] = time.time() - 3601
    session.save()
    assert here.get(reverse("account:sessions")).text.count("This one") == 1
    assert Session.objects.alive(now()).count() == 1


def test_staff_see_and_end_their_own_sessions_too() -> None:
    here, there = staff.signed_in(noor()), staff.signed_in(noor())
    assert there.get(reverse("security:dashboard")).status_code == 200
    assert here.get(reverse("account:sessions")).status_code == 200
    here.post(reverse("account:end_sessions"), {"which": "others"})
    assert there.get(reverse("security:dashboard")).status_code == 302
    assert here.get(reverse("security:dashboard")).status_code == 200


def test_the_page_asks_the_database_as_often_for_ten_sessions_as_for_one() -> None:
    (here,) = signed_in(1)
    for_one = browsers.queries(here, reverse("account:sessions"))
    signed_in(9)
    assert browsers.queries(here, reverse("account:sessions")) == for_one


# --- By the team, and by themselves -----------------------------------------------------------------------------------
def test_the_team_ends_a_contacts_sessions_with_a_reason(made: Client) -> None:
    here, there = signed_in(2)
    team, row = staff.signed_in(noor()), made.contacts.get()
    url = reverse("security:contact_sessions", args=[made.uid, row.uid])
    assert url in team.get(reverse("security:client", args=[made.uid])).text
    assert "127.0.0.1" in team.get(url).text
    assert team.post(url, {"reason": ""}).status_code == 422
    assert alive(here)
    answer = team.post(url, {"reason": "Laptop stolen"}, follow=True)
    assert "2 sessions of Lotte Verhaeghe have ended" in answer.text
    assert not alive(here)
    assert not alive(there)
    assert (entry().actor_id, entry().note, entry().changes) == (noor().audit_id, "Laptop stolen", {"sessions": [2, 0]})


def test_a_change_of_passkeys_ends_the_other_sessions_of_that_person() -> None:
    here, there = signed_in(2)
    passkey = Authenticator.objects.create(user=lotte(), type=Authenticator.Type.WEBAUTHN, data={"name": "Laptop"})
    browsers.confirmed(here, reverse("contact:remove_passkey", args=[passkey.pk]))
    assert (alive(here), alive(there)) == (True, False)
    assert Entry.objects.with_action(Action.PASSKEY_REMOVED).get().changes == {"sessions": [2, 1]}


def test_a_new_passkey_ends_the_other_sessions_of_that_person() -> None:
    here, there = signed_in(2)
    actor = Actor(user=lotte(), session=here.session[UID])
    passkeys.note_added(user=lotte(), name="Laptop", by=actor, now=now())
    assert (alive(here), alive(there)) == (True, False)


def test_who_is_removed_from_a_client_is_signed_out(made: Client) -> None:
    row = contacts.add(
        client=made, email=wim().email, name="", role=ClientContact.Role.OWNER, by=by(lotte()), now=now()
    )
    (theirs,), (mine,) = signed_in(1, user=wim()), signed_in(1)
    browsers.confirmed(mine, reverse("contact:remove_contact", args=[made.uid, row.uid]))
    assert (alive(mine), alive(theirs)) == (True, False)
    assert Entry.objects.with_action(Action.CLIENT_CONTACT_REMOVED).get().changes["sessions"] == [1, 0]


def test_who_removes_themselves_stays_signed_in_there_only(made: Client) -> None:
    contacts.add(client=made, email=wim().email, name="", role=ClientContact.Role.OWNER, by=by(lotte()), now=now())
    here, there = signed_in(2)
    browsers.confirmed(here, reverse("contact:remove_contact", args=[made.uid, made.contacts.get(user=lotte()).uid]))
    assert (alive(here), alive(there)) == (True, False)


def test_the_mails_that_ask_was_it_not_you_lead_to_the_sessions(made: Client) -> None:
    where = f"{settings.PUBLIC_URL}{reverse('account:sessions')}"
    browser = browsers.of(lotte(), stepped_up=False)
    browsers.confirmed(
        browser,
        reverse("contact:regenerate_secret", args=[made.uid]),
        {"replaces": made.secrets.get().uid, "overlap": "0"},
    )
    passkeys.note_added(user=lotte(), name="Laptop", by=by(lotte()), now=now())
    for kind in (Mail.Kind.CODE, Mail.Kind.CLIENT_CHANGED):
        mail = Mail.objects.filter(kind=kind).latest("created_at")
        text = rendering.render(mail, now=now(), code="123456")
        assert where in text.body, kind
        assert where in text.html, kind
    mail = Mail.objects.get(kind=Mail.Kind.PASSKEY_CHANGED)
    assert "You were signed out in every other browser" in rendering.render(mail, now=now()).body
