"""Claims: "I have this one"."""

import pytest

from clients.acts import review
from clients.acts.team import claims
from clients.models import Registration, User
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from tests.support import factories
from tests.support.factories import NOW, bram, by, noor

pytestmark = pytest.mark.django_db


def holder(registration: Registration) -> User | None:
    return Registration.objects.get(pk=registration.pk).claimed_by


def test_a_request_is_taken_and_given_back() -> None:
    asked = factories.submitted_request()
    claims.claim(registration=asked, by=by(noor()), now=NOW)
    assert holder(asked) == noor()
    claims.release(registration=asked, by=by(noor()))
    assert holder(asked) is None


def test_of_two_who_saw_it_free_one_gets_it() -> None:
    asked = factories.submitted_request()
    claims.claim(registration=asked, by=by(noor()), now=NOW)
    with pytest.raises(Refusal) as refused:
        claims.claim(registration=asked, by=by(bram()), now=NOW)
    assert refused.value.code == Code.CLAIMED_MEANWHILE
    assert holder(asked) == noor()


def test_a_colleague_takes_it_over_knowingly_and_cannot_be_robbed_by_an_old_page() -> None:
    asked = factories.submitted_request()
    claims.claim(registration=asked, by=by(noor()), now=NOW)
    claims.claim(registration=asked, instead_of=noor(), by=by(bram()), now=NOW)
    claims.release(registration=asked, by=by(noor()))  # of a page from before
    assert holder(asked) == bram()


def test_a_claim_locks_nothing() -> None:
    asked = factories.submitted_request()
    claims.claim(registration=asked, by=by(noor()), now=NOW)
    review.reject(registration=asked, message="No", seen=asked.content_hash, by=by(bram()), now=NOW)
    assert asked.decided_by == bram()


def test_a_decided_request_is_taken_by_nobody() -> None:
    asked = factories.submitted_request()
    review.reject(registration=asked, message="No", seen=asked.content_hash, by=by(bram()), now=NOW)
    with pytest.raises(Refusal):
        claims.claim(registration=asked, by=by(noor()), now=NOW)


def test_only_the_team_takes_requests() -> None:
    with pytest.raises(Refusal):
        claims.claim(registration=factories.submitted_request(), by=by(factories.lotte()), now=NOW)
