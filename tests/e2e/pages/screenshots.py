"""`make screenshots`: a picture of every page in .local/screenshots/, wide and narrow, light and dark.

Those that README.md shows are copied to docs/screenshots/, the only ones that are tracked.

Not collected with the tests: it checks nothing. It stands on their fixtures, and on the data of `make demo`.
"""

from __future__ import annotations

import re
import shutil
from io import BytesIO
from pathlib import Path

import pytest
from django.conf import settings
from PIL import Image
from playwright.sync_api import Browser

from tests.e2e.pages.test_accessibility import context_of, visit
from tests.e2e.support import pages

pytestmark = pytest.mark.django_db(transaction=True)

FOLDER = Path(settings.BASE_DIR) / ".local" / "screenshots"
README = Path(settings.BASE_DIR) / "README.md"
SIZES = {"wide": {"width": 1280, "height": 900}, "narrow": {"width": 390, "height": 844}}
SCHEMES = ("light", "dark")
COLOURS = 96
TALLEST = 1800  # pixels; a longer list looks the same further down


@pytest.fixture(autouse=True)
def _the_authority_of_the_demonstration(settings) -> None:
    settings.ORGANISATION_NAME = "Agentschap Gegevensverkeer"
    settings.SUPPORT_EMAIL, settings.SUPPORT_PHONE = "api-beheer@gegevensverkeer.example", "02 555 01 20"
    settings.PUBLIC_URL = "https://keydesk.example"


def test_take_pictures(live_server, browser: Browser) -> None:
    pages.seed()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.png"):
        old.unlink()
    taken = set[str]()
    for place in pages.places(pages.things()):
        if place.name in taken:
            continue
        context = context_of(browser, live_server.url, place.role)
        page = context.new_page()
        page.goto("/docs/")
        if visit(page, place):
            taken.add(place.name)
            for size, viewport in SIZES.items():
                page.set_viewport_size(viewport)
                height = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST)
                for scheme in SCHEMES:
                    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                    clip = {"x": 0, "y": 0, "width": viewport["width"], "height": height}
                    name = f"{place.name.replace(':', '-')}-{size}-{scheme}.png"
                    _keep(page.screenshot(full_page=True, clip=clip), name)
        context.close()


def test_copy_those_that_the_readme_shows() -> None:
    for shown in re.findall(r"docs/screenshots/([\w-]+\.png)", README.read_text()):
        shutil.copy(FOLDER / shown, README.parent / "docs" / "screenshots" / shown)


def _keep(png: bytes, name: str) -> None:
    """With a palette of its own: text and flat colours look the same, in a third of the bytes."""
    with Image.open(BytesIO(png)) as picture:
        few = picture.convert("RGB").quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(FOLDER / name, optimize=True)
