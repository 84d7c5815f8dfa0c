"""Settings, all from the environment; docs/configuration.md lists each variable.

Every secret can also be given as a file: NAME_FILE holds the path. An unsafe or missing value is a
system check error that names the variable (portal/config/checks.py).
"""

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from django.utils.csp import CSP
from django.utils.translation import gettext_lazy as _

from portal.config import log_format
from portal.config.environment import (
    Environment,
    by_id,
    database,
    mailer,
    oidc_providers,
    profile,
    synchronous_commit,
    time_zone,
)
from portal.config.team import team
from tokens.storage.pg_connection import KEEPALIVE_PARAMETERS

BASE_DIR = Path(__file__).resolve().parent.parent

env = Environment()
# The environment wins, then what `make demo` keeps in .local/demo.env: a .env for production counts for no demo.
for file in env.list("ENV_FILES", default=[".local/demo.env", ".env"]):
    if (BASE_DIR / file).exists():
        env.read_env(BASE_DIR / file)

# --- Site -----------------------------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
PUBLIC_URL = env.str("PUBLIC_URL", default="http://localhost:8000").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[urlsplit(PUBLIC_URL).hostname or "localhost"])
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
# Health and metrics of `web` and `tokens`, never on a public address. 0: not served.
OPERATIONS_HOST = env.str("OPERATIONS_HOST", default="127.0.0.1")
OPERATIONS_PORT = env.int("OPERATIONS_PORT", default=9000)
SERVICE_NAME = env.str("SERVICE_NAME", default="Keydesk")
SUPPORT_EMAIL, SUPPORT_PHONE = env.str("SUPPORT_EMAIL", default=""), env.str("SUPPORT_PHONE", default="")
ENVIRONMENT_NAME, ENVIRONMENT_COLOUR = env.str("ENVIRONMENT_NAME", default=""), env.str("ENVIRONMENT_COLOUR", "blue")
ORGANISATION_NAME, ORGANISATION_REGISTER = env.str("ORGANISATION_NAME", ""), env.str("ORGANISATION_REGISTER", "")
STAFF_PAGES = env.bool("STAFF_PAGES", default=False)  # two of the Security team invite and deactivate staff
ORGANISATION_NUMBER_REQUIRED = env.bool("ORGANISATION_NUMBER_REQUIRED", default=False)  # of requests
HTTPS = PUBLIC_URL.startswith("https://")

INSTALLED_APPS = [
    "portal",
    "tokens",
    "clients",
    "audit",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
]

MIDDLEWARE = [
    "portal.guards.middleware.RequestContextMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "portal.api.middleware.ApiMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "portal.web.commits.CommitsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "portal.guards.middleware.OriginMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.guards.middleware.SessionLimitsMiddleware",
    "portal.guards.middleware.LocalisationMiddleware",
    "portal.guards.middleware.SignInMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "portal.guards.middleware.StaffSessionMiddleware",
    "portal.guards.middleware.ContactSessionMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.guards.middleware.FormErrorsMiddleware",
]

ROOT_URLCONF = "portal.urls"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.guards.context_processors.site",
            ],
            "builtins": ["django.templatetags." + name for name in ("i18n", "static")]
            + ["portal.ui.template_tags", "portal.ui.drawing_tags"],
        },
    }
]

# --- Data -----------------------------------------------------------------------------------------------------------
DATABASES = {
    "default": env.get_value("DATABASE_URL", cast=database, default="postgresql:///keydesk", parse_default=True)
}
DATABASES["default"]["OPTIONS"] = KEEPALIVE_PARAMETERS | DATABASES["default"].get("OPTIONS", {})
DATABASES["default"] |= {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}
# Of every commit: "on" (on disk, a synchronous standby's too) or "remote_apply". Less could lose what was answered.
SYNCHRONOUS_COMMIT = env.get_value("SYNCHRONOUS_COMMIT", cast=synchronous_commit, default="on")
CACHED_CLIENTS = env.int("CACHED_CLIENTS", default=50_000)  # in each process (tokens/runtime/client_cache.py)
LOOKUP_LEASE = env.int("LOOKUP_LEASE", default=10)  # seconds (tokens/storage/lease.py)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="redis://localhost:6379/0")
CACHE_URL = env.str("CACHE_URL", default=CELERY_BROKER_URL)
# The prefix tells values that are JSON from the pickles of before 0.1.0, which are never read.
CACHES = {"default": {"BACKEND": "portal.config.cache.Cache", "LOCATION": CACHE_URL, "KEY_PREFIX": "json"}}

# --- Mail -----------------------------------------------------------------------------------------------------------
MAILERS = {"default": env.get_value("EMAIL_URL", cast=mailer, default="smtp://localhost:25", parse_default=True)}
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default=f"{SERVICE_NAME} <keydesk@localhost>")
# Of the mailbox that bounces come back to, that of DEFAULT_FROM_EMAIL: imaps://user:password@host/INBOX
BOUNCE_IMAP_URL = env.str("BOUNCE_IMAP_URL", default="")
BOUNCE_TOKEN = env.str("BOUNCE_TOKEN", default="")  # of the mail server that hands bounces over
TEAM = team(env)  # how the Security team works

# --- People and sessions --------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "clients.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "public:landing"
LOGIN_REDIRECT_URL = "contact:clients"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "portal.sign_in.passwords.MinimumLength", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]

SESSION_ENGINE = "clients.access.session_store"
SESSION_COOKIE_NAME = "__Host-keydesk" if HTTPS else "keydesk"
CSRF_COOKIE_NAME = "__Host-keydesk-csrf" if HTTPS else "keydesk-csrf"
LANGUAGE_COOKIE_NAME = "__Host-keydesk-language" if HTTPS else "keydesk-language"
DEVICE_COOKIE_NAME = "__Host-keydesk-device" if HTTPS else "keydesk-device"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_IDLE_LIMIT, SESSION_ABSOLUTE_LIMIT = timedelta(hours=1), timedelta(hours=8)
SESSION_COOKIE_AGE = int(SESSION_ABSOLUTE_LIMIT.total_seconds())
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"  # no cookie without __Host-
CSRF_FAILURE_VIEW = "portal.web.error_pages.csrf_failure"

ACCOUNT_ADAPTER = "portal.sign_in.staff.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "portal.sign_in.staff.SocialAccountAdapter"
MFA_ADAPTER = "portal.sign_in.staff.MFAAdapter"
ACCOUNT_FORMS = {
    "login": "portal.pages.account.sign_in_forms.SignInForm",
    "reauthenticate": "portal.pages.account.sign_in_forms.PasswordAgainForm",
}
MFA_FORMS = {
    "authenticate": "portal.pages.account.sign_in_forms.CodeForm",
    "reauthenticate": "portal.pages.account.sign_in_forms.CodeAgainForm",
    "activate_totp": "portal.pages.account.sign_in_forms.FirstCodeForm",
    "authenticate_webauthn": "portal.forms.passkeys.PasskeyAfterPasswordForm",
    "reauthenticate_webauthn": "portal.forms.passkeys.PasskeyAgainForm",
    "login_webauthn": "portal.forms.passkeys.SignInWithPasskeyForm",
    "add_webauthn": "portal.pages.account.sign_in_forms.AddPasskeyForm",
    "edit_webauthn": "portal.pages.account.sign_in_forms.RenamePasskeyForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # staff addresses are confirmed by the invitation mail
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": None}  # portal/sign_in/attempts.py
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RATE_LIMITS = {"webauthn_login": None}  # nothing to guess, and others in the same network could exhaust it
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT
SOCIALACCOUNT_EMAIL_AUTHENTICATION = SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
# A link and no form, because `form-action` of the content security policy would stop a form's redirect to the provider.
SOCIALACCOUNT_LOGIN_ON_GET = True
SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": oidc_providers(env)}}
CONTACTS_REQUIRE_ACCOUNT = env.bool("CONTACTS_REQUIRE_ACCOUNT", default=False)  # a link alone opens nothing

# --- Browser safety -------------------------------------------------------------------------------------------------
SECURE_CSP = {
    "script-src": [CSP.SELF, CSP.NONCE],
    **{key: [CSP.SELF] for key in ("default-src", "style-src", "img-src", "font-src", "connect-src", "form-action")},
    **{key: [CSP.NONE] for key in ("object-src", "base-uri", "frame-ancestors")},
}
SECURE_REFERRER_POLICY = "no-referrer"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None
SECURE_SSL_REDIRECT = HTTPS
SECURE_SSL_HOST = urlsplit(PUBLIC_URL).netloc  # never the request's Host
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # no `preload`: that is for the owner of the whole domain to decide
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = FILE_UPLOAD_MAX_MEMORY_SIZE = 512 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
# Never a temporary file, because an upload may be a private key. A larger upload is dropped unread.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]

# --- Language -------------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("nl", _("Dutch")), ("fr", _("French")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]
REFUSALS_IN_WORDS = "portal.explanations.sentences.in_words"  # for commands (foundation/commands.py)
TIME_ZONE = env.get_value("TIME_ZONE", cast=time_zone, default="Europe/Brussels")
USE_I18N = USE_TZ = True

# --- Static files ---------------------------------------------------------------------------------------------------
STATIC_URL, STATIC_ROOT = "/static/", BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},  # uploads are read, never kept
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG

# --- Keydesk: links, codes, secrets ---------------------------------------------------------------------------------
LINK_LIFETIME = timedelta(hours=env.int("LINK_LIFETIME_HOURS", default=72))
CODE_LIFETIME = timedelta(minutes=10)
STEP_UP_LIFETIME = timedelta(minutes=15)
FRESH_LINK = timedelta(minutes=10)  # a link opened this soon after it was mailed proves as much as a code
SECRETS_VIEWABLE = env.bool("SECRETS_VIEWABLE", default=True)
SECRETS_KEYS = by_id(env.list("SECRETS_KEYS", default=[]))  # "id:base64url of 32 bytes": the first one encrypts
# "id:base64url of a 32-byte Ed25519 seed"; the first one signs the change log's checkpoints.
LOG_SIGNING_KEYS = by_id(env.list("LOG_SIGNING_KEYS", default=[]))
# "id:base64url of a 32-byte Ed25519 public key": for processes that verify the change log and must not sign it.
LOG_VERIFIER_KEYS = by_id(env.list("LOG_VERIFIER_KEYS", default=[]))
LOG_ORIGIN = f"{urlsplit(PUBLIC_URL).netloc}/keydesk-log"

# --- Keydesk: the authorization server, the management API ---------------------------------------------------------
OAUTH_PATH = "/" + env.str("OAUTH_PATH", default="/oauth/v2/").strip("/") + "/"
API_PATH = "/" + env.str("API_PATH", default="/api/v1/").strip("/") + "/"
SELF_SERVICE_API = env.bool("SELF_SERVICE_API", default=True)  # clients hold keydesk.self
# Reports of leaks: a file in the form of GitHub's published list of keys, and the token that GitLab sends.
LEAK_GITHUB_KEYS = env.str("LEAK_GITHUB_KEYS", default="")
LEAK_GITLAB_TOKEN = env.str("LEAK_GITLAB_TOKEN", default="")
LEAKED_SECRET_GRACE = timedelta(seconds=env.int("LEAKED_SECRET_GRACE", default=0))  # of a client's only way in
USAGE_KEPT = timedelta(days=env.int("USAGE_KEPT_DAYS", default=400))  # counts of use by day (PROTOCOL C-41)
UNUSED_AFTER = timedelta(days=env.int("UNUSED_AFTER", default=180))  # 0 days: unused clients stay
# After how long the owners of a client are asked whether it is still needed; 0 days: never.
RECERTIFY_AFTER = timedelta(days=env.int("RECERTIFY_AFTER", default=365))
RECERTIFY_SENSITIVE_AFTER = timedelta(days=env.int("RECERTIFY_SENSITIVE_AFTER", default=365))  # with a sensitive scope
RECERTIFY_SUSPENDS = env.bool("RECERTIFY_SUSPENDS", default=False)  # a client that nobody confirms in time
TOKEN_LIFETIME = timedelta(seconds=env.int("TOKEN_LIFETIME", default=3600))
ASSERTION_MAX_LIFETIME = timedelta(seconds=env.int("ASSERTION_MAX_LIFETIME", default=3600))
# "fapi2" sets all that can be set for FAPI 2.0 and RFC 9700, whatever the variables below say (docs/security.md).
FAPI2 = env.get_value("PROFILE", cast=profile, default="standard") == "fapi2"
CLIENT_SECRETS_ACCEPTED = not FAPI2
ASSERTION_ALGORITHMS = ("PS256", "ES256", "Ed25519", "EdDSA") if FAPI2 else None  # None: all that keys can do
ASSERTION_AUDIENCE_STRICT = FAPI2 or env.bool("ASSERTION_AUDIENCE_STRICT", default=False)
VERIFY_ACCEPTS_QUERY = not FAPI2 and env.bool("VERIFY_ACCEPTS_QUERY", default=True)
SECRET_MAX_AGE = timedelta(days=env.int("SECRET_MAX_AGE", default=730))  # 0 days: no end
KEY_MAX_AGE = timedelta(days=env.int("KEY_MAX_AGE", default=730))  # of bare keys: a certificate has its own end
TRUST_MAX_AGE = timedelta(days=env.int("TRUST_MAX_AGE", default=730))
THROTTLING = env.bool("THROTTLING", default=True)
CLIENT_RATE_LIMIT = env.int("CLIENT_RATE_LIMIT", default=600)  # HTTP requests per minute and client
FAILURE_RATE_LIMIT = env.int("FAILURE_RATE_LIMIT", default=120)  # refused HTTP requests per minute and address

# --- Keydesk: keys that others publish ------------------------------------------------------------------------------
# Internal hosts, "host" or "host:port", whose keys may be fetched; all others must be public. CA: for these.
FEDERATION_ALLOWED_HOSTS = frozenset(host.lower() for host in env.list("FEDERATION_ALLOWED_HOSTS", default=[]))
FEDERATION_CA_FILE = env.str("FEDERATION_CA_FILE", default="")

# --- Logs and traces ------------------------------------------------------------------------------------------------
OTEL_TRACES_EXPORTER = env.str("OTEL_TRACES_EXPORTER", default="none")
LOG_LEVEL = env.get_value("LOG_LEVEL", cast=log_format.level, default="INFO")
LOGGING_CONFIG = None  # portal/config/log_format.py sets up structlog in every process
log_format.configure(LOG_LEVEL)
