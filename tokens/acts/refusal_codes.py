"""Closed vocabulary of refusals by acts on tokens; portal/explanations/acts.py has the words for each code."""

from __future__ import annotations

from enum import StrEnum


class TokenCode(StrEnum):
    CLIENT_ID_LEAKED = "client_id_leaked"
    LEAKED_KEY_STOPPED_ALREADY = "leaked_key_stopped_already"
    LEAKED_SECRET_STOPPED_ALREADY = "leaked_secret_stopped_already"
    LEAKED_TOKEN_REVOKED_ALREADY = "leaked_token_revoked_already"
    LEAKED_TRUST_STOPPED_ALREADY = "leaked_trust_stopped_already"
    LOG_NOT_A_CONTINUATION = "log_not_a_continuation"
    LEAKS_NOT_ALL_ENDED = "leaks_not_all_ended"
    NOTHING_LETS_IN = "nothing_lets_in"
    NO_VALID_TOKENS = "no_valid_tokens"
    PROOF_INVALID = "proof_invalid"
    TOKEN_STOPPED_ALREADY = "token_stopped_already"
