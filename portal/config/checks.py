"""System checks: a missing or unsafe setting is an error that names the variable."""

import asyncio
import re
from base64 import urlsafe_b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS
from django.utils.module_loading import import_string

from clients.federation import installation, scanner_keys
from foundation.refusals import Refusal
from portal.config import oidc_apps
from portal.config.environment import CONTACT_PROVIDER
from tokens.policy import from_settings
from tokens.storage.pooler import UnsafePooler, refuse_unsafe

DAY_S = 86_400

# Variable, a function for its value, and the least and largest value allowed.
RANGES: list[tuple[str, Callable[[], float], float, float]] = [
    ("TRUSTED_PROXY_COUNT", lambda: settings.TRUSTED_PROXY_COUNT, 0, 16),
    ("OPERATIONS_PORT", lambda: settings.OPERATIONS_PORT, 0, 65_535),
    ("LINK_LIFETIME_HOURS", lambda: settings.LINK_LIFETIME / timedelta(hours=1), 1, 24 * 365),
    ("LEAKED_SECRET_GRACE", lambda: settings.LEAKED_SECRET_GRACE.total_seconds(), 0, 7 * DAY_S),
    ("REVIEW_TARGET_DAYS", lambda: settings.TEAM.review_target_days, 1, 60),
    ("TOKEN_LIFETIME", lambda: settings.TOKEN_LIFETIME.total_seconds(), 60, DAY_S),  # as a client's own
    ("ASSERTION_MAX_LIFETIME", lambda: settings.ASSERTION_MAX_LIFETIME.total_seconds(), 1, DAY_S),
    ("UNUSED_AFTER", lambda: settings.UNUSED_AFTER / timedelta(days=1), 0, 3650),
    ("RECERTIFY_AFTER", lambda: settings.RECERTIFY_AFTER / timedelta(days=1), 0, 3650),
    ("RECERTIFY_SENSITIVE_AFTER", lambda: settings.RECERTIFY_SENSITIVE_AFTER / timedelta(days=1), 0, 3650),
    ("SECRET_MAX_AGE", lambda: settings.SECRET_MAX_AGE / timedelta(days=1), 0, 3650),
    ("KEY_MAX_AGE", lambda: settings.KEY_MAX_AGE / timedelta(days=1), 0, 3650),
    ("TRUST_MAX_AGE", lambda: settings.TRUST_MAX_AGE / timedelta(days=1), 0, 3650),
    ("USAGE_KEPT_DAYS", lambda: settings.USAGE_KEPT / timedelta(days=1), 31, 3650),
    ("LOOKUP_LEASE", lambda: settings.LOOKUP_LEASE, 0, 300),
    ("CACHED_CLIENTS", lambda: settings.CACHED_CLIENTS, 1, 10**6),
    ("CLIENT_RATE_LIMIT", lambda: settings.CLIENT_RATE_LIMIT, 1, 10**9),
    ("FAILURE_RATE_LIMIT", lambda: settings.FAILURE_RATE_LIMIT, 1, 10**9),
]

# Variable, its form as a pattern, and the form in words.
FORMS = [
    ("OAUTH_PATH", r"(/[A-Za-z0-9._~-]+)+/", "Give at least one word between slashes, as in /oauth/v2/."),
    ("API_PATH", r"(/[A-Za-z0-9._~-]+)+/", "Give at least one word between slashes, as in /api/v1/."),
    (
        "CACHE_URL",
        r"(rediss?|unix)://[^\s,;]+",
        "Give one redis://, rediss:// or unix:// address; the broker may differ.",
    ),
    (
        "BOUNCE_IMAP_URL",
        r"(imaps://[^\s/@:]+:[^\s/@]+@[A-Za-z0-9.-]+|imap://[^\s/@:]+:[^\s/@]+@(localhost|127\.0\.0\.1))(:[0-9]+)?(/[^\s?#]*)?|",
        "Give imaps://user:password@host/folder, percent-encoded; without TLS only within one machine.",
    ),
    ("ENVIRONMENT_COLOUR", "blue|green|amber|red|grey", "Give blue, green, amber, red or grey."),
    ("OTEL_TRACES_EXPORTER", "none|otlp", "Give none or otlp."),
]
MIN_REPORT_TOKEN_LENGTH = 20  # characters of a token agreed on with a server: who guesses it gets to report
# Plain HTTP within one machine only, for tests and demonstrations.
CONTACT_ISSUER = r"(https://[A-Za-z0-9.-]+(:[0-9]+)?|http://(localhost|127\.0\.0\.1)(:[0-9]+)?)(/[A-Za-z0-9._~/-]*)?"
PUBLIC_URL = r"https://[A-Za-z0-9.-]+(:[0-9]+)?"


@register(Tags.security)
def ranges(**_kwargs: Any) -> list[CheckMessage]:
    return [
        Error(f"{variable} is out of range.", hint=f"From {least} to {most}.", id="keydesk.E006")
        for variable, value, least, most in RANGES
        if not least <= value() <= most
    ]


@register(Tags.security)
def forms(**_kwargs: Any) -> list[CheckMessage]:
    return [
        Error(f"{variable} does not have its form.", hint=hint, id="keydesk.E007")
        for variable, form, hint in FORMS
        if not re.fullmatch(form, getattr(settings, variable))
    ]


@register(Tags.security)
def traces(**_kwargs: Any) -> list[CheckMessage]:
    if settings.OTEL_TRACES_EXPORTER == "otlp":
        try:
            distribution("opentelemetry-instrumentation-django")
        except PackageNotFoundError:
            hint = "Install them with the extra otel (docs/operations.md, traces)."
            return [Error("OTEL_TRACES_EXPORTER needs packages that are missing.", hint=hint, id="keydesk.E017")]
    return []


@register(Tags.security)
def contact_accounts(**_kwargs: Any) -> list[CheckMessage]:
    """Check the providers of contacts' accounts; an account is known by its issuer, so each provider has its own."""
    apps = oidc_apps.of_contacts()
    problems = [problem for app in apps for problem in _problems_of(app)]
    if len({app["settings"]["server_url"] for app in apps}) < len(apps):
        problems.append(Error("CONTACT_OIDC_ISSUER and a numbered one are the same.", id="keydesk.E015"))
    if settings.CONTACTS_REQUIRE_ACCOUNT and not apps:
        hint = "Set CONTACT_OIDC_ISSUER and its neighbours: without a provider no contact could get in."
        problems.append(Error("CONTACTS_REQUIRE_ACCOUNT is on without a provider.", hint=hint, id="keydesk.E016"))
    return problems


def _problems_of(app: Mapping[str, Any]) -> list[CheckMessage]:
    number = app["provider_id"].removeprefix(CONTACT_PROVIDER)
    prefix = f"CONTACT_OIDC_{number}_" if number else "CONTACT_OIDC_"
    needed = {"NAME": app["name"], "CLIENT_ID": app["client_id"], "CLIENT_SECRET": app["secret"]}
    problems: list[CheckMessage] = [
        Error(f"{prefix}{name} is missing.", hint="A provider needs all of them.", id="keydesk.E014")
        for name, value in needed.items()
        if not value
    ]
    if not re.fullmatch(CONTACT_ISSUER, app["settings"]["issuer"]):
        hint = "Give it as the provider writes it: https://, a host and perhaps a path, without a query."
        problems.append(Error(f"{prefix}ISSUER does not have its form.", hint=hint, id="keydesk.E014"))
    return problems


@register(Tags.security)
def secret_key(**_kwargs: Any) -> list[CheckMessage]:
    try:
        if len(settings.SECRET_KEY) >= 50:
            return []
    except ImproperlyConfigured:  # raised by Django for an empty value
        pass
    hint = "Set SECRET_KEY (or SECRET_KEY_FILE) to at least 50 random characters: links and codes are derived from it."
    return [Error("SECRET_KEY is missing or short.", hint=hint, id="keydesk.E001")]


@register(Tags.security)
def sealing_keys(**_kwargs: Any) -> list[CheckMessage]:
    hint = 'Set SECRETS_KEYS to "id:key", the key being 32 random bytes in base64url (AES-256-GCM).'
    return _check_keys("SECRETS_KEYS", settings.SECRETS_KEYS, hint, "keydesk.E002")


@register(Tags.security)
def signing_keys(**_kwargs: Any) -> list[CheckMessage]:
    hint = 'Set LOG_SIGNING_KEYS to "id:seed", the seed being 32 random bytes in base64url (Ed25519).'
    public = 'Set LOG_VERIFIER_KEYS to "id:key", the key being the 32 bytes of an Ed25519 public key in base64url.'
    if settings.LOG_VERIFIER_KEYS and not settings.LOG_SIGNING_KEYS:  # a process that verifies only
        return _check_keys("LOG_VERIFIER_KEYS", settings.LOG_VERIFIER_KEYS, public, "keydesk.E009")
    problems = _check_keys("LOG_SIGNING_KEYS", settings.LOG_SIGNING_KEYS, hint, "keydesk.E003")
    if settings.LOG_VERIFIER_KEYS:
        problems += _check_keys("LOG_VERIFIER_KEYS", settings.LOG_VERIFIER_KEYS, public, "keydesk.E009")
    return problems


def _check_keys(variable: str, keys: Mapping[str, str], hint: str, code: str) -> list[CheckMessage]:
    if not keys:
        return [Error(f"{variable} is missing.", hint=hint, id=code)]
    bad = [name for name, text in keys.items() if not name or not _is_32_bytes(text)]
    return [Error(f"{variable}: the key {name!r} is not 32 bytes.", hint=hint, id=code) for name in bad]


def _is_32_bytes(text: str) -> bool:
    try:
        return len(urlsafe_b64decode(text + "=" * (-len(text) % 4))) == 32
    except (NotBase64, ValueError):
        return False


@register(Tags.security)
def reports(**_kwargs: Any) -> list[CheckMessage]:
    """Check what the reports of scanners and mail servers are proven with, where it is set."""
    problems: list[CheckMessage] = []
    if settings.LEAK_GITHUB_KEYS:
        try:
            if scanner_keys.is_address(settings.LEAK_GITHUB_KEYS):
                installation.check_address(settings.LEAK_GITHUB_KEYS)
            else:
                scanner_keys.read(settings.LEAK_GITHUB_KEYS)
        except (scanner_keys.UnreadableKeys, Refusal) as problem:
            hint = f"Name a file in the form of GitHub's published list, or its https address: {problem}."
            problems.append(Error("LEAK_GITHUB_KEYS cannot be used.", hint=hint, id="keydesk.E011"))
    for variable in ("LEAK_GITLAB_TOKEN", "BOUNCE_TOKEN"):
        if 0 < len(getattr(settings, variable)) < MIN_REPORT_TOKEN_LENGTH:
            hint = f"Give at least {MIN_REPORT_TOKEN_LENGTH} random characters: whoever guesses it can send reports."
            problems.append(Error(f"{variable} is short.", hint=hint, id="keydesk.E012"))
    return problems


@register(Tags.security)
def organisation_register(**_kwargs: Any) -> list[CheckMessage]:
    try:
        if not settings.ORGANISATION_REGISTER or callable(import_string(settings.ORGANISATION_REGISTER)):
            return []
    except ImportError:
        pass
    hint = "Name a function by its path, such as registers.kbo.look_up."
    return [Error("ORGANISATION_REGISTER names no function.", hint=hint, id="keydesk.E013")]


@register(Tags.database)
def pooler(databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Check the pooler in front of PostgreSQL; with `check --database default` and before migrations only."""
    if not databases or DEFAULT_DB_ALIAS not in databases:
        return []
    try:
        asyncio.run(refuse_unsafe(from_settings().database))
    except UnsafePooler as problem:
        return [Error("DATABASE_URL leads to a pooler that cannot be used.", hint=str(problem), id="keydesk.E010")]
    return []


@register(Tags.security, deploy=True)
def public_url(**_kwargs: Any) -> list[CheckMessage]:
    if re.fullmatch(PUBLIC_URL, settings.PUBLIC_URL):
        return []
    hint = "Tokens and links travel over it, and it names the issuer, whose metadata is found from its host."
    return [Error("PUBLIC_URL must be https:// and a host, without a path.", hint=hint, id="keydesk.E004")]


@register(Tags.security, deploy=True)
def debug(**_kwargs: Any) -> list[CheckMessage]:
    if not settings.DEBUG:
        return []
    return [Error("DEBUG is on.", hint="Its error pages show settings and code to everybody.", id="keydesk.E008")]


@register(Tags.security, deploy=True)
def throttling(**_kwargs: Any) -> list[CheckMessage]:
    if settings.THROTTLING:
        return []
    return [Warning("THROTTLING is off.", hint="It is meant for load tests only.", id="keydesk.W005")]
