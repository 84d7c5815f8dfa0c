"""Settings of the demonstration: the product's, with the gallery."""

from portal.settings import *  # noqa: F403

ROOT_URLCONF = "dev.urls"
