"""The Security team's pages of issuers: added by one, enabled by two, with what was found of their keys."""

from __future__ import annotations

import json

import pytest
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone

from clients.models import Issuer, Proposal, Trust
from clients.refusal_codes import FetchCode
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.factories import bram, noor
from tests.support.keys import jwk_of, new_ec

pytestmark = pytest.mark.django_db

NEW = {"name": "GitLab", "url": "https://gitlab.example", "audience": "", "max_lifetime": "3600", "reason": "Asked for"}


def url(name: str, about: Model | None = None, *more: str) -> str:
    return reverse(f"security:{name}", args=[about.uid, *more] if about else [])  # type: ignore[attr-defined]  # has one


def confirm(proposal: Proposal) -> None:
    answer = signed_in(bram()).post(url("proposal", proposal), {"act": "confirm", "reason": "I know them"})
    assert answer.status_code == 302


def test_one_adds_it_and_another_enables_it():
    page = signed_in(noor()).post(url("create_issuer"), NEW, follow=True).text
    issuer = Issuer.objects.get()
    assert "Look at its keys, then propose to enable it." in page
    assert not issuer.is_enabled
    signed_in(noor()).post(url("switch_issuer", issuer, "enable"), {"reason": "Pipelines of everybody"})
    proposal = Proposal.objects.get()
    page = signed_in(bram()).get(url("proposal", proposal)).text
    for words in ("https://gitlab.example", "Pipelines of everybody", "0 clients trust it now."):
        assert words in page
    confirm(proposal)
    issuer.refresh_from_db()
    assert issuer.is_enabled


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"url": "https://127.0.0.1"}, "This host has no public address"),
        ({"url": "http://gitlab.example"}, "must begin with https://"),
        ({"jwks": "{"}, "This is no JSON Web Key Set."),
        ({"jwks": '{"keys": []}'}, "no key that can be used"),
        ({"max_lifetime": "86401"}, "86400"),
    ],
)
def test_what_cannot_be_an_issuer_is_said_on_the_form(given, words):
    answer = signed_in(noor()).post(url("create_issuer"), {**NEW, **given})
    assert answer.status_code == 422
    assert words in answer.text
    assert not Issuer.objects.exists()


def test_a_pasted_private_key_is_not_sent_back():
    jwks = json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0LW9mLW5vYm9keQ"}]})
    answer = signed_in(noor()).post(url("create_issuer"), {**NEW, "jwks": jwks})
    assert answer.status_code == 422
    assert "c2VjcmV0LW9mLW5vYm9keQ" not in answer.text


def test_the_page_shows_keys_skipped_ones_the_problem_and_who_trusts_it():
    jwks = {"keys": [jwk_of(new_ec(), kid="good-one"), jwk_of(new_ec(), kid="for-encryption", use="enc")]}
    issuer = factories.issuer(jwks=jwks)
    client, _secret = factories.client()
    Trust.objects.create(client=client, issuer=issuer, subject="a", added_at=timezone.now(), added_by="Lotte")
    Issuer.objects.update(keys_problem=FetchCode.FETCH_TLS_FAILED)
    page = signed_in(noor()).get(url("issuer", issuer)).text
    for words in ("good-one", "for-encryption", "enc", "no certificate for this name", "1 client"):
        assert words in page
    assert "no certificate for this name" in signed_in(noor()).get(url("issuers")).text


def test_a_change_is_proposed_and_carried_out_by_a_colleague():
    issuer = factories.issuer()
    form = {"audience": "api://tenant", "max_lifetime": "86400", "reason": "Entra's tokens name the API"}
    signed_in(noor()).post(url("change_issuer", issuer), form)
    issuer.refresh_from_db()
    assert issuer.audience == ""
    page = signed_in(bram()).get(url("proposal", Proposal.objects.get())).text
    assert "api://tenant" in page
    confirm(Proposal.objects.get())
    issuer.refresh_from_db()
    assert (issuer.audience, issuer.max_lifetime) == ("api://tenant", 86_400)


def test_a_change_is_explained_after_what_it_changes():
    page = signed_in(noor()).get(url("change_issuer", factories.issuer())).text
    places = [page.index(f'name="{field}"') for field in ("audience", "max_lifetime", "reason")]
    assert places == sorted(places)


def test_a_change_of_nothing_is_refused_on_the_form():
    issuer = factories.issuer()
    form = {"audience": "", "max_lifetime": "3600", "reason": "Nothing"}
    answer = signed_in(noor()).post(url("change_issuer", issuer), form)
    assert (answer.status_code, Proposal.objects.count()) == (422, 0)


def test_disabling_is_proposed_with_its_consequences():
    issuer = factories.issuer()
    page = signed_in(noor()).get(url("switch_issuer", issuer, "disable")).text
    assert "stop at once and for good" in page
    signed_in(noor()).post(url("switch_issuer", issuer, "disable"), {"reason": "Their key leaked"})
    confirm(Proposal.objects.get())
    issuer.refresh_from_db()
    assert not issuer.is_enabled


def test_an_act_that_is_none_is_not_found():
    assert signed_in(noor()).get(url("switch_issuer", factories.issuer(), "delete")).status_code == 404
