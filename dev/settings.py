"""Settings of the demonstration: the product's, with the gallery."""

from portal.settings import *  # noqa: F403  (every setting of the product)

ROOT_URLCONF = "dev.urls"
