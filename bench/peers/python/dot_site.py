"""django-oauth-toolkit as a peer: its token and introspection views and no more.

Environment: ACTORS (a JSON file, see bench/place.py), PGHOST, PGDATABASE, PGUSER. `python dot_site.py` makes tables
and applications; `dot_site:application` is served. Secrets are kept plain, but that of "hashed": in the default form.
"""

import json
import os
from pathlib import Path

import django
from django.conf import settings

ACTORS = json.loads(Path(os.environ["ACTORS"]).read_text())

settings.configure(
    SECRET_KEY="only for the benchmark",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="dot_site",
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],  # for the Content-Length
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ["PGDATABASE"],
            "HOST": os.environ["PGHOST"],
            "USER": os.environ["PGUSER"],
            "CONN_MAX_AGE": None,
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"],
    OAUTH2_PROVIDER={
        "SCOPES": {ACTORS["scope"]: "", "introspection": ""},
        "DEFAULT_SCOPES": [ACTORS["scope"]],
        "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    },
    USE_TZ=True,
)
django.setup()

from django.core.management import call_command  # noqa: E402  (after django.setup())
from django.core.wsgi import get_wsgi_application  # noqa: E402  (after django.setup())
from django.urls import path  # noqa: E402  (after django.setup())
from oauth2_provider import views  # noqa: E402  (after django.setup())
from oauth2_provider.models import Application  # noqa: E402  (after django.setup())

urlpatterns = [path("token", views.TokenView.as_view()), path("introspect", views.IntrospectTokenView.as_view())]
application = get_wsgi_application()


def prepare() -> None:
    call_command("migrate", verbosity=0)
    for name in ("basic", "reader", "hashed"):
        Application.objects.create(
            name=name,
            client_id=ACTORS["clients"][name]["client_id"],
            client_secret=ACTORS["clients"][name]["client_secret"],
            hash_client_secret=name == "hashed",
            client_type=Application.CLIENT_CONFIDENTIAL,
            authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
        )


if __name__ == "__main__":
    prepare()
