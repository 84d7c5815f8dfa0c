"""The documentation: open to everybody, complete, and filled in with the reader's own client."""

import re
from html.parser import HTMLParser

import pytest
from django.test import Client as Browser
from django.urls import reverse

from portal import samples
from portal.documentation import BY_SLUG, PAGES
from tests import factories

pytestmark = pytest.mark.django_db


def test_every_page_is_open_to_everybody(client: Browser) -> None:
    assert client.get(reverse("docs")).status_code == 200
    for page in PAGES:
        assert client.get(reverse("docs_page", args=[page.slug])).status_code == 200, page.slug
