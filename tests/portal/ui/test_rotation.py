"""A rotation in progress looks like one until the new key or secret is used and the old one is not for a week."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from clients.acts.credentials import client_secrets, keys
from clients.models import Client, Key, Secret
from portal.ui import client_health
from tests.portal.support import browsers
from tests.support import factories
from tests.support.keys import certificate, public_key
from tokens.models import CredentialUse, UsageDay, UsageDetail

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


def by() -> object:
    return factories.by(factories.lotte())


def use(credential: Key | Secret, at: datetime = NOW) -> None:
    CredentialUse.objects.update_or_create(
        credential=credential.credential, client=credential.client, defaults={"last_used_at": at, "uses": 189}
    )


def ending(made: Client, end: datetime = NOW + timedelta(days=12, hours=12)) -> Key:
    """Its certificate, which is in use and ends soon."""
    key = keys.add(client=made, key=certificate(), by=by(), now=NOW - timedelta(days=40))
    Key.objects.filter(pk=key.pk).update(not_after=end)
    use(key)
    return Key.objects.get(pk=key.pk)


def state(made: Client, now: datetime = NOW) -> client_health.Condition:
    made.refresh_from_db()
    uses = CredentialUse.objects.of(made).in_bulk()
    return client_health.of_client(made, made.keys.shown(), made.secrets.all(), uses, now)


def pages(browser, made: Client) -> tuple[str, str]:
    return (
        browser.get(reverse("contact:clients")).content.decode(),
        browser.get(reverse("contact:credentials", args=[made.uid])).content.decode(),
    )


def test_after_the_new_key_is_added_the_client_is_amber_and_not_all_right(made, browser):
    ending(made)
    keys.add(client=made, key=public_key(), by=by(), now=NOW)
    words = "Replacing: the new key has not been used yet, the old one stops in 12 days"
    found = state(made)
    assert (found.rank, found.state, found.words) == (2, "warn", words)
    home, client = pages(browser, made)
    for page in (home, client):
        assert words in page
        assert "Nothing needs you" not in page
    assert "the new one is not used yet" in home
    assert f"{reverse('contact:credentials', args=[made.uid])}#rotation" in home
    assert 'id="rotation"' in client


def steps_of(page: str) -> list[str]:
    start = page.index('<ol class="kd-progress"')
    steps = page[start : page.index("</ol>", start)].split("<li")[1:]
    return ["Done" if ": Done" in " ".join(step.split()) else "Not yet" for step in steps]


def test_the_page_shows_four_steps_and_how_far_each_is(made, browser):
    old = ending(made)
    new = keys.add(client=made, key=public_key(), by=by(), now=NOW)
    _home, page = pages(browser, made)
    assert steps_of(page) == ["Done", "Not yet", "Not yet", "Not yet"]
    folded = page[page.index('id="rotation"') : page.index('<ol class="kd-progress"')].rpartition("<details")[2]
    assert "open" not in folded.partition(">")[0]
    assert "Step 2 of 4: " in " ".join(folded.split())
    use(new)
    use(old, NOW - timedelta(hours=2))
    _home, page = pages(browser, made)
    assert steps_of(page) == ["Done", "Done", "Not yet", "Not yet"]
    assert "Do not retire it yet" in page
    use(old, NOW - timedelta(hours=24))
    _home, page = pages(browser, made)
    assert steps_of(page) == ["Done", "Done", "Done", "Not yet"]
    assert "Step 4 of 4: Old one retired" in page  # on a phone, where the others are folded
    assert "Safe to retire" in page
    assert f'class="govuk-button" href="{reverse("contact:retire_key", args=[made.uid, old.uid])}"' in page


def test_the_meter_counts_what_both_were_used_for_since_the_new_one_came(made, browser):
    """Uses of the old one from before say nothing about the software that is left with it."""
    old, client = ending(made), {"client": made}
    new = keys.add(client=made, key=public_key(), by=by(), now=NOW)
    today = NOW.date()
    for credential, day, issued in ((old, today - timedelta(days=3), 500), (old, today, 189), (new, today, 7)):
        UsageDay.objects.create(**client, day=day, credential=credential.credential, issued=issued)
    UsageDetail.objects.create(
        **client, day=today, credential=old.credential, network="193.190.44.0/24", key_bits=256, lifetime=60,
        token_in_query=False, uses=189, issued=189, refused=0, first_at=NOW, last_at=NOW,
    )  # fmt: skip
    _home, page = pages(browser, made)
    meter = " ".join(page[page.index('<ul class="kd-uses"') : page.index('<ol class="kd-progress"')].split())
    assert "189 uses" in meter
    assert "7 uses" in meter
    assert "689" not in meter
    assert "from 193.190.44.0/24" in meter


def test_it_stays_amber_until_the_old_key_is_quiet_for_a_week(made):
    old = ending(made)
    new = keys.add(client=made, key=public_key(), by=by(), now=NOW)
    use(new)
    use(old, NOW - timedelta(days=6, hours=23))
    assert state(made).words.startswith("Replacing: the new key is used, but so was the old one 6 days ago")
    use(old, NOW - timedelta(days=7))
    assert (state(made).state, state(made).rotation) == ("ok", None)


def test_retiring_a_key_with_an_overlap_is_a_rotation_too(made):
    old = keys.add(client=made, key=public_key(), by=by(), now=NOW)
    use(old)
    new = keys.add(client=made, key=public_key(), by=by(), now=NOW)
    assert state(made).state == "ok"  # two keys side by side, and neither has an end
    keys.retire(key=old, overlap=timedelta(hours=24), by=by(), now=NOW)
    assert state(made).words == "Replacing: the new key has not been used yet, the old one stops in 24 hours"
    use(new)
    assert state(made, NOW + timedelta(hours=25)).state == "ok"


def test_an_old_key_that_stopped_before_the_new_one_was_used_is_an_alarm(made, browser):
    old = keys.add(client=made, key=public_key(), by=by(), now=NOW)
    use(old)
    keys.add(client=made, key=public_key(), by=by(), now=NOW)
    keys.retire(key=old, overlap=timedelta(0), by=by(), now=NOW - timedelta(seconds=1))
    found = state(made)
    assert (found.rank, found.state) == (1, "bad")
    assert found.words == "Not replaced: the new key has not been used, and the old one stopped just now"
    home, _client = pages(browser, made)
    assert 'kd-tag--bad">Not replaced<' in home
    assert "Cannot authenticate" not in home
    use(made.secrets.get(), NOW + timedelta(hours=1))  # the software went over to the secret
    assert state(made, NOW + timedelta(hours=2)).state == "ok"


def test_a_new_secret_is_a_rotation_until_it_is_used(made, browser):
    old = made.secrets.get()
    use(old)
    client_secrets.regenerate(client=made, replaces=old, overlap=timedelta(hours=24), by=by(), now=NOW)
    words = "Replacing: the new secret has not been used yet, the old one stops in 24 hours"
    assert state(made).words == words
    home, client = pages(browser, made)
    for page in (home, client):
        assert "Replacing: the new secret has not been used yet" in page
    later = NOW + timedelta(hours=25)
    words = "Not replaced: the new secret has not been used, and the old one stopped 1 hour ago"
    assert state(made, later).words == words
    use(made.secrets.current().get(), later)
    assert state(made, later).state == "ok"


def test_what_was_never_used_is_replaced_without_a_word(made):
    old = made.secrets.get()
    client_secrets.regenerate(client=made, replaces=old, overlap=timedelta(hours=24), by=by(), now=NOW)
    assert state(made).words == "Waiting for first use"


def test_a_staged_key_is_no_successor(made):
    # Days to an end are days of the calendar, so look far from midnight in Brussels, and after the key was added.
    midday = (NOW + timedelta(days=1)).replace(hour=11)
    ending(made, midday + timedelta(days=12))
    keys.add(client=made, key=public_key(), by=by(), now=NOW, active=False)
    assert state(made, midday).words == "Expires in 12 days"


def test_a_new_key_without_a_first_use_is_not_called_safe_to_retire(made, browser):
    ending(made)
    keys.add(client=made, key=public_key(), by=by(), now=NOW - timedelta(days=8))
    use(made.secrets.get())
    _home, page = pages(browser, made)
    assert "Not used yet: set it in your software." in page
    assert "safe to retire" not in page


def test_a_new_key_is_green_once_it_was_used(made, browser):
    ending(made)
    new = keys.add(client=made, key=public_key(), by=by(), now=NOW - timedelta(days=1))
    use(made.secrets.get())

    def row() -> str:
        return pages(browser, made)[1].partition(f'id="key-{new.uid}"')[2].partition("</summary>")[0]

    assert "kd-tag--warn" in row()
    assert "Not used yet" in row()
    use(new)
    assert "kd-tag--ok" in row()
    assert "Not used yet" not in row()


def test_the_pages_ask_the_database_no_more_often_in_a_rotation(made, browser):
    home, client = reverse("contact:clients"), reverse("contact:credentials", args=[made.uid])
    on_home, on_client = browsers.queries(browser, home), browsers.queries(browser, client)
    ending(made)
    keys.add(client=made, key=public_key(), by=by(), now=NOW)
    assert browsers.queries(browser, home) == on_home
    # The uses of both cost one more; with another key at hand no trust is looked for, to find the last way in.
    assert browsers.queries(browser, client) == on_client
