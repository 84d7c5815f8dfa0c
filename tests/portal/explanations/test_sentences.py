"""A single dictionary: every code of every act has words in every language, and every fact is data."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
from django.utils import translation
from django.utils.translation import trans_real

from audit.set_aside import LogCode
from clients.refusal_codes import Code, CommandCode, FetchCode
from dev.translations import LANGUAGES
from foundation.refusals import Refusal
from portal.explanations.acts import (
    OF_ANY_ACT,
    OF_CLIENTS,
    OF_COMMANDS,
    OF_CREDENTIALS,
    OF_FEDERATION,
    OF_REQUESTS,
    OF_SIGN_IN,
    OF_THE_CATALOGUE,
    SENTENCES,
)
from portal.explanations.api_codes import OF_THE_API, ApiCode
from portal.explanations.sentences import in_words
from tests.portal.explanations.test_explanations import CASES
from tokens.acts.refusal_codes import TokenCode
from tokens.protocol.errors import InvalidRequest, Rule

VOCABULARIES: tuple[type[StrEnum], ...] = (Code, CommandCode, FetchCode, TokenCode, LogCode, ApiCode)
CODES = [code for vocabulary in VOCABULARIES for code in vocabulary]
TABLES = (
    OF_ANY_ACT,
    OF_CLIENTS,
    OF_CREDENTIALS,
    OF_REQUESTS,
    OF_THE_CATALOGUE,
    OF_SIGN_IN,
    OF_COMMANDS,
    OF_THE_API,
    OF_FEDERATION,
)

# Facts as acts raise them, of each code whose words name some.
FACTS: dict[str, dict[str, Any]] = {
    Code.ACCOUNT_CLOSED_ALREADY: {"email": "ada@keydesk.example"},
    Code.NOT_STAFF: {"email": "ada@keydesk.example"},
    Code.OTHER_ADDRESS_OF_MAILBOX: {"typed": "ada+x@keydesk.example", "email": "ada@keydesk.example"},
    TokenCode.PROOF_INVALID: {"problem": "aud"},
    TokenCode.LOG_NOT_A_CONTINUATION: {"seq": 17},
    Code.ISSUER_NOT_ENABLED: {"issuer": "GitHub"},
    Code.TOO_MANY_VIEWS: {"limit": 20},
    Code.REPLY_TEXT_EXISTS: {"name": "No legal basis"},
    Code.SCOPE_ENDS_TOO_SOON: {"days": 7},
    Code.SUCCESSOR_NOT_OFFERED: {"name": "address.read"},
    Code.WEBHOOK_EXISTS: {"name": "Chat"},
    Code.TOO_MANY_TRUSTS: {"limit": 50},
    Code.TRUST_NOT_NEAR_ITS_END: {"days": 30},
    Code.TRUST_CLAIMS_TOO_MANY: {"limit": 20},
    Code.TRUST_CLAIM_CHANGES: {"name": "exp"},
    Code.TRUST_CLAIM_IN_ARRAY: {"name": "/groups/0"},
    Code.TRUST_CLAIM_NAME: {"name": "/a~2b"},
    Code.TRUST_CLAIM_VALUE: {"name": "repository_id"},
    Code.TRUST_SUBJECT: {"max_length": 512},
    Code.TRUST_WILDCARD: {"name": "sub"},
    Code.BUILT_IN: {"name": "keydesk.clients.read"},
    Code.KEY_SMALLER_THAN_POLICY: {"bits": 2048, "least": 3072},
    Code.KEY_ALGORITHMS_OFF_BY_POLICY: {"algorithms": "RS256, PS256"},
    Code.POLICY_DATE_TOO_NEAR: {"days": 30},
    Code.NAME_RESERVED: {"name": "keydesk.self"},
    Code.JWKS_URI_TOO_OFTEN: {"limit": 10},
    Code.OTHER_ROLE: {"email": "ada@keydesk.example", "role": "auditor"},
    Code.LEGAL_BASIS_MISSING: {"scopes": ["nrn.read", "person.read"]},
    Code.OWNER_NOT_AGREED: {"scopes": ["nrn.read", "person.read"]},
    Code.TOO_MANY_MAILS_TO_CALLERS: {"limit": 3},
    Code.TOO_MANY_MESSAGES: {"limit": 10},
    CommandCode.DEFAULT_SCOPE_NOT_A_SCOPE: {"names": ["a.read", "b.read"]},
    CommandCode.FILE_UNREADABLE: {"file": "key.pem", "cause": "No such file or directory"},
    CommandCode.NOT_IN_THE_CATALOGUE: {"names": ["a.read", "b.read"]},
    CommandCode.NO_SUCH_API: {"name": "addresses"},
    CommandCode.NO_SUCH_CLIENT: {"name": "k4m9xw2hz7ra"},
    CommandCode.NO_SUCH_ISSUER: {"name": "GitHub Actions"},
    CommandCode.CLAIM_UNREADABLE: {"name": "a"},
    CommandCode.NO_SUCH_TRUST: {"name": "repo:a/b:ref:c"},
    CommandCode.NO_SUCH_KEY: {"name": "k1"},
    CommandCode.NO_SUCH_SECRET: {"hint": "x7Qa"},
    LogCode.CHECKPOINT_SIGNED: {"size": 4},
    LogCode.NO_SUCH_CHECKPOINT: {"size": 5},
}


def words(code: str, language: str) -> str:
    with translation.override(language):
        return str(in_words(Refusal(code, **FACTS.get(code, {}))))


# --- Every code, in every language ------------------------------------------------------------------------------------


def test_no_two_vocabularies_share_a_code_and_no_table_has_one_twice() -> None:
    assert len({str(code) for code in [*CODES, *Rule]}) == len(CODES) + len(Rule)
    assert sum(map(len, TABLES)) == len(SENTENCES)
    assert set(SENTENCES) == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_a_name(code: StrEnum) -> None:
    assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)+", code)
    assert code.name == code.value.upper()


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
@pytest.mark.parametrize("code", CODES)
def test_every_code_has_words_whose_every_placeholder_is_a_fact(code: StrEnum, language: str) -> None:
    said = words(code, language)
    assert said.endswith(".")
    assert "…" not in said  # of a fact that there is not
    assert "%(" not in said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", CODES)
def test_no_language_has_an_english_sentence(code: StrEnum, language: str) -> None:
    with translation.override("en"):
        template = str(SENTENCES[code])
    translated = trans_real.translation(language).gettext(template)
    assert translated != template
    assert words(code, language) != words(code, "en")


@pytest.mark.parametrize(("rule", "facts"), CASES)
@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_a_refusal_of_the_authorization_server_has_words_by_the_same_door(
    rule: Rule, facts: dict[str, Any], language: str
) -> None:
    with translation.override(language):
        said = in_words(InvalidRequest(rule, **facts))
    assert said.title
    assert said.fix
    assert said.title in said.sentence
    assert "%(" not in said.sentence


# --- Facts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", FACTS)
def test_no_fact_is_unused_but_the_name_of_a_file(code: str) -> None:
    named = set(re.findall(r"%\((\w+)\)s", str(SENTENCES[code])))
    assert named == FACTS[code].keys() - {"file"}


def test_facts_are_shown_in_the_readers_language() -> None:
    assert "“Auditor”" in words(Code.OTHER_ROLE, "en")
    assert "auditor@" not in words(Code.OTHER_ROLE, "nl")
    assert "a.read, b.read" in words(CommandCode.NOT_IN_THE_CATALOGUE, "fr")
    with translation.override("nl"):
        said = str(in_words(Refusal(CommandCode.NO_SUCH_KEY, name=datetime(2026, 12, 1, 9, tzinfo=UTC))))
    assert "1 december 2026" in said


def test_a_code_of_a_newer_version_is_still_answered() -> None:
    assert words("something_new", "en") == "This is not possible at the moment."
