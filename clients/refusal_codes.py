"""The closed vocabulary of what acts on clients refuse; portal/explanations/acts.py has the words for each code.

A code never changes its meaning: pages, commands and the API depend on it. A new one needs its words, and its facts in
tests/portal/explanations/test_sentences.py.
"""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """Codes of acts."""

    # Any act
    CHANGED_MEANWHILE = "changed_meanwhile"
    NEEDS_COLLEAGUE = "needs_colleague"
    NOT_SECURITY_TEAM = "not_security_team"
    REASON_MISSING = "reason_missing"

    # The client as a whole
    CLIENT_CHANGED = "client_changed"
    CLIENT_CLOSED = "client_closed"
    CLIENT_ID_CHANGED = "client_id_changed"
    SELF_SERVICE_OFF = "self_service_off"
    ANSWERED_ALREADY = "answered_already"
    UNDO_IS_OVER = "undo_is_over"
    SELF_SERVICE_UNCHANGED = "self_service_unchanged"

    # Its secrets
    CIPHERTEXT_UNREADABLE = "ciphertext_unreadable"
    LAST_SECRET = "last_secret"
    SECRET_AUTHENTICATION_UNCHANGED = "secret_authentication_unchanged"
    SECRET_MADE_MEANWHILE = "secret_made_meanwhile"
    SECRET_NOT_SHOWN = "secret_not_shown"
    SECRET_REGENERATED_MEANWHILE = "secret_regenerated_meanwhile"
    SECRET_STOPPED_ALREADY = "secret_stopped_already"
    SECRETS_NEED_A_KEY = "secrets_need_a_key"
    SECRETS_NOT_ACCEPTED = "secrets_not_accepted"
    SECRETS_OFF_BY_POLICY = "secrets_off_by_policy"

    # Its keys
    CREDENTIAL_ENDED_ALREADY = "credential_ended_already"
    KEY_ADDED_ALREADY = "key_added_already"
    KEY_NOT_STAGED = "key_not_staged"
    KEY_RETIRED_ALREADY = "key_retired_already"
    KEY_LEAKED = "key_leaked"
    KEY_USED_ELSEWHERE = "key_used_elsewhere"
    KID_IN_USE = "kid_in_use"
    LAST_KEY = "last_key"
    KEY_SMALLER_THAN_POLICY = "key_smaller_than_policy"
    KEY_ALGORITHMS_OFF_BY_POLICY = "key_algorithms_off_by_policy"
    PROOF_DEMANDED_BY_POLICY = "proof_demanded_by_policy"

    # Its trusts
    ISSUER_NOT_ENABLED = "issuer_not_enabled"
    LAST_TRUST = "last_trust"
    TOO_MANY_TRUSTS = "too_many_trusts"
    TRUST_CLAIMS_TOO_MANY = "trust_claims_too_many"
    TRUST_CLAIM_CHANGES = "trust_claim_changes"
    TRUST_CLAIM_IN_ARRAY = "trust_claim_in_array"
    TRUST_CLAIM_NAME = "trust_claim_name"
    TRUST_CLAIM_VALUE = "trust_claim_value"
    TRUST_EXISTS = "trust_exists"
    TRUST_NOT_NEAR_ITS_END = "trust_not_near_its_end"
    TRUST_REMOVED_ALREADY = "trust_removed_already"
    TRUST_SUBJECT = "trust_subject"
    TRUST_WILDCARD = "trust_wildcard"

    # Its contacts
    CONTACT_ALREADY = "contact_already"
    CONTACT_IS_STAFF = "contact_is_staff"
    LAST_OWNER = "last_owner"

    # Requests for a client, and their review
    CLIENT_OF_REQUEST_CLOSED = "client_of_request_closed"
    DEFAULT_NOT_GRANTED = "default_not_granted"
    LEGAL_BASIS_MISSING = "legal_basis_missing"
    MESSAGE_WITHOUT_AUTHOR = "message_without_author"
    NOT_A_REVIEWER = "not_a_reviewer"
    NO_SCOPE_GRANTED = "no_scope_granted"
    OWN_REQUEST = "own_request"
    REQUEST_CHANGED = "request_changed"
    REQUEST_MOVED_ON = "request_moved_on"
    REQUEST_NOT_WAITING = "request_not_waiting"
    CLAIMED_MEANWHILE = "claimed_meanwhile"
    TOO_MANY_VIEWS = "too_many_views"
    REPLY_TEXT_EXISTS = "reply_text_exists"
    REQUEST_OPEN_ALREADY = "request_open_already"
    SAME_REVIEWER = "same_reviewer"
    SCOPE_NOT_ASKED_FOR = "scope_not_asked_for"
    SCOPE_NOT_ENDORSED = "scope_not_endorsed"
    SIGNALS_CHANGED = "signals_changed"
    TOO_MANY_MESSAGES = "too_many_messages"

    # Proposals, which take two people
    CONTACT_OF_THE_CLIENT = "contact_of_the_client"
    OWN_PROPOSAL = "own_proposal"
    PROPOSAL_ABOUT_YOU = "proposal_about_you"
    PROPOSAL_OF_ANOTHER = "proposal_of_another"
    PROPOSAL_OUT_OF_DATE = "proposal_out_of_date"
    PROPOSAL_OVER = "proposal_over"
    PROPOSED_ALREADY = "proposed_already"

    # Policies
    POLICY_DATE_TOO_NEAR = "policy_date_too_near"
    POLICY_UNCHANGED = "policy_unchanged"
    POLICY_VALUE_WRONG = "policy_value_wrong"

    # The catalogue
    API_EXISTS = "api_exists"
    BUILT_IN = "built_in"
    NAME_RESERVED = "name_reserved"
    EASING_TAKES_TWO = "easing_takes_two"
    SCOPE_EXISTS = "scope_exists"
    SCOPE_NOT_SENSITIVE = "scope_not_sensitive"
    SCOPE_RETIRED_ALREADY = "scope_retired_already"
    SCOPE_DEPRECATED_ALREADY = "scope_deprecated_already"
    SCOPE_ENDS_TOO_SOON = "scope_ends_too_soon"
    SCOPE_NOT_DEPRECATED = "scope_not_deprecated"
    SUCCESSOR_NOT_OFFERED = "successor_not_offered"

    # Owners of APIs
    NOT_API_OWNER = "not_api_owner"
    OWNER_ALREADY = "owner_already"
    OWNER_NOT_AGREED = "owner_not_agreed"
    TOO_MANY_MAILS_TO_CALLERS = "too_many_mails_to_callers"

    # Issuers, and addresses at which clients publish their keys
    AUDIENCE_MALFORMED = "audience_malformed"
    ISSUER_DISABLED_ALREADY = "issuer_disabled_already"
    ISSUER_ENABLED_ALREADY = "issuer_enabled_already"
    ISSUER_EXISTS = "issuer_exists"
    ISSUER_IS_THIS_SITE = "issuer_is_this_site"
    ISSUER_UNCHANGED = "issuer_unchanged"
    JWKS_URI_IN_USE = "jwks_uri_in_use"
    JWKS_URI_NOT_READ = "jwks_uri_not_read"
    JWKS_URI_OVER = "jwks_uri_over"
    JWKS_URI_TOO_OFTEN = "jwks_uri_too_often"

    # Webhooks of the Security team
    DELIVERY_NOT_FAILED = "delivery_not_failed"
    WEBHOOK_EXISTS = "webhook_exists"
    WEBHOOK_REMOVED_ALREADY = "webhook_removed_already"

    # Staff
    ACCOUNT_CLOSED_ALREADY = "account_closed_already"
    LAST_MEMBER = "last_member"
    NOT_STAFF = "not_staff"
    OTHER_ADDRESS_OF_MAILBOX = "other_address_of_mailbox"
    OTHER_ROLE = "other_role"
    STAFF_BY_COMMAND = "staff_by_command"

    # Accounts of contacts, links, codes and mail
    ACCOUNT_NOT_BOUND = "account_not_bound"
    ACCOUNT_NOT_FRESH = "account_not_fresh"
    ACCOUNT_OF_ANOTHER = "account_of_another"
    ACCOUNT_TOO_WEAK = "account_too_weak"
    CODE_OVER = "code_over"
    CODE_WRONG = "code_wrong"
    CODES_ENDED = "codes_ended"
    LINK_NOT_USABLE = "link_not_usable"
    MAIL_NOT_FAILED = "mail_not_failed"
    MAIL_OUT_OF_DATE = "mail_out_of_date"
    TOO_MANY_CODES = "too_many_codes"  # the newest one still works
    TOO_MANY_CODES_BEFORE = "too_many_codes_before"  # for other requests: there is none to use


class CommandCode(StrEnum):
    """Codes of what a command is given: names that are not there, files that cannot be read."""

    DEFAULT_SCOPE_NOT_A_SCOPE = "default_scope_not_a_scope"
    FILE_UNREADABLE = "file_unreadable"
    KID_WITHOUT_KEY = "kid_without_key"
    NOT_IN_THE_CATALOGUE = "not_in_the_catalogue"
    NOT_UTF8 = "not_utf8"
    NO_SCOPE_AND_NO_API = "no_scope_and_no_api"
    NO_SUCH_API = "no_such_api"
    NO_SUCH_CLIENT = "no_such_client"
    CLAIM_UNREADABLE = "claim_unreadable"
    NO_SUCH_TRUST = "no_such_trust"
    NO_SUCH_ISSUER = "no_such_issuer"
    NO_SUCH_KEY = "no_such_key"
    NO_SUCH_SECRET = "no_such_secret"
    SEVERAL_KEYS = "several_keys"
    STAFF_ADDRESS = "staff_address"


class FetchCode(StrEnum):
    """Codes of what is in the way of keys that others publish; also kept beside the keys as the last problem."""

    # The address
    ADDRESS_MALFORMED = "address_malformed"
    ADDRESS_NOT_HTTPS = "address_not_https"
    ADDRESS_NOT_PUBLIC = "address_not_public"
    ADDRESS_PORT = "address_port"
    ADDRESS_WITH_CREDENTIALS = "address_with_credentials"

    # The answer
    FETCH_BROKEN = "fetch_broken"
    FETCH_REDIRECTED = "fetch_redirected"
    FETCH_STATUS = "fetch_status"
    FETCH_TLS_FAILED = "fetch_tls_failed"
    FETCH_TOO_LARGE = "fetch_too_large"
    FETCH_TOO_SLOW = "fetch_too_slow"
    FETCH_UNREACHABLE = "fetch_unreachable"
    POST_NOT_ACCEPTED = "post_not_accepted"

    # The document or the set
    DISCOVERY_MALFORMED = "discovery_malformed"
    DISCOVERY_OF_ANOTHER = "discovery_of_another"
    KEY_SET_MALFORMED = "key_set_malformed"
    KEY_SET_PRIVATE = "key_set_private"
    KEY_SET_TOO_MANY = "key_set_too_many"
    KEY_SET_UNUSABLE = "key_set_unusable"
