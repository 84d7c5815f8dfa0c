"""Decided requests, as auditors read them."""

import pytest
from django.urls import reverse
from django.utils.html import strip_tags

from clients.acts import api_callers, review
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.factories import ada, api_owner, by, elif_, noor

pytestmark = pytest.mark.django_db


def test_the_owners_of_apis_are_among_those_who_decided(now) -> None:
    kept, refused = factories.scope("address.read"), factories.scope("address.list")
    asked = factories.submitted_request(now, scopes=(kept, refused))
    api_owner()
    told = {"registration": asked, "seen": asked.content_hash, "now": now}
    api_callers.decide(api=kept.api, approved=[kept], reason="No lists for wages.", by=by(elif_()), **told)
    review.approve(scopes=[kept], defaults=[kept], message="Without the list.", by=by(noor()), **told)
    page = signed_in(ada()).get(reverse("auditor:decided_request", args=[asked.uid])).text
    decided = " ".join(strip_tags(page[page.index('id="reviews"') : page.index('id="entries"')]).split())
    for words in ("Elif Demir", "Approved: address.read", "Refused: address.list", "No lists for wages.", "Noor"):
        assert words in decided
    assert decided.index("Elif Demir") < decided.index("Noor El Amrani")
