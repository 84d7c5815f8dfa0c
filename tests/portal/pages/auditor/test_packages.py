"""The pages of evidence packages: make one of what the filters show, wait for its signature, download it."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.urls import reverse

from audit import checkpoints
from audit.actions import Action
from audit.models import Entry, Package
from audit.packages import checking, making
from clients.acts import lifecycle
from clients.models import Client, User
from tests.portal.support.staff import signed_in
from tests.support import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(db) -> User:
    return factories.ada()


@pytest.fixture(autouse=True)
def _two_clients(now) -> None:
    for name in ("Ours", "Theirs"):
        client, _secret = factories.client()
        Client.objects.filter(pk=client.pk).update(name=name)
        lifecycle.suspend(client=client, reason=f"Leaked by {name}", by=factories.by(factories.noor()), now=now)


def make(user: User, *, filters: dict[str, str] | None = None, **form: object):
    url = f"{reverse('auditor:make_package')}?{urlencode(filters or {'client': 'Ours'})}"
    return signed_in(user).post(url, {"purpose": "Rekenhof, yearly audit", **form})


def download(user: User, package: Package, **headers: str) -> bytes:
    response = signed_in(user).post(reverse("auditor:download_package", args=[package.pk]), headers=headers)
    assert response["Content-Type"] == "application/zip"
    return b"".join(response)


def sign(now) -> None:
    checkpoints.sign_checkpoint(now)


def test_what_the_filters_show_is_made_signed_downloaded_and_verified(ada, now, tmp_path: Path) -> None:
    answer = make(ada)
    package = Package.objects.get()
    assert answer.url == reverse("auditor:package", args=[package.pk])
    waiting = signed_in(ada).get(answer.url).text
    assert "Not signed yet" in waiting
    assert "data-progress" in waiting
    early = signed_in(ada).post(reverse("auditor:download_package", args=[package.pk]))
    assert early.url == answer.url
    sign(now)
    assert "data-progress" not in signed_in(ada).get(answer.url).text
    file = tmp_path / "package.zip"
    file.write_bytes(download(ada, package))
    report = checking.verify(file, checkpoints.verifier_keys())
    assert report.exit_status == 0, report.sentence
    with zipfile.ZipFile(file) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
        listed = [json.loads(line)["seq"] for line in archive.read("entries.jsonl").splitlines()]
    assert b"Theirs" not in everything
    assert listed == [*package.numbers, package.pk]


def test_making_and_each_download_are_entries(ada, now) -> None:
    make(ada, size=1, seed="2026-ada")
    package = Package.objects.get()
    sign(now)
    download(factories.noor(), package)
    made, taken = Entry.objects.with_action(Action.PACKAGE_MADE, Action.PACKAGE_DOWNLOADED).order_by("seq")
    assert (made.actor_id, made.note) == (ada.audit_id, "Rekenhof, yearly audit")
    assert (made.changes["filters"], made.changes["seed"]) == ([None, "client=Ours"], [None, "2026-ada"])
    assert (taken.actor_id, taken.subject_label) == (factories.noor().audit_id, str(package.pk))


@pytest.mark.parametrize(("language", "words"), [("en", "What it does not prove:"), ("nl", "Wat het niet bewijst:"),
    ("fr", "Ce qu’il ne prouve pas"), ("de", "Was es nicht beweist:")])  # fmt: skip
def test_the_cover_is_in_the_language_of_the_reader_and_needs_no_site(ada, now, language, words) -> None:
    make(ada)
    sign(now)
    archive = download(ada, Package.objects.get(), **{"accept-language": language})
    cover = zipfile.ZipFile(io.BytesIO(archive)).read("read-me-first.html").decode()
    assert words in cover
    assert f'<html lang="{language}">' in cover
    assert "Leaked by Ours" in cover
    assert str(checkpoints.verifier_keys()[0]) in cover
    for outside in ("href=", "src=", settings.STATIC_URL, "<script"):
        assert outside not in cover


def test_a_sample_prints_its_seed_and_is_drawn_again_by_it(ada) -> None:
    for _again in range(2):
        make(ada, filters={"action": "client."}, size=1, seed="2026-ada")
    first, second = Package.objects.all()
    assert first.numbers == second.numbers
    assert "2026-ada" in signed_in(ada).get(reverse("auditor:package", args=[first.pk])).text


def test_a_sample_without_a_seed_gets_one(ada) -> None:
    make(ada, size=1)
    assert Package.objects.get().entry.changes["seed"][1]


def test_a_selection_of_nothing_or_without_a_purpose_is_told(ada, monkeypatch) -> None:
    answer = make(ada, filters={"client": "Nobody"})
    assert (answer.status_code, "No entry fits these filters." in answer.text) == (422, True)
    assert make(ada, purpose="").status_code == 422
    monkeypatch.setattr(making, "MAX_ENTRIES", 1)
    answer = make(ada, filters={"action": "client."})
    assert (answer.status_code, "at most 1 entries" in answer.text) == (422, True)
    assert make(ada, filters={"since": "tomorrow"}).status_code == 422
    assert not Package.objects.exists()


def test_a_renamed_client_is_still_in_its_package(ada, now, tmp_path: Path) -> None:
    make(ada)
    package = Package.objects.get()
    client = Entry.objects.with_action(Action.CLIENT_SUSPENDED).earliest("seq").client_ref
    Client.objects.filter(uid=client).update(name="Renamed")
    sign(now)
    (tmp_path / "p.zip").write_bytes(download(ada, package))
    assert checking.verify(tmp_path / "p.zip", checkpoints.verifier_keys()).exit_status == 0
