"""Search over the documentation, in memory: its sections in each language, read once per process from its pages.

The pages are rendered without a reader, so that the index holds nothing of a client. Samples are left out, because all
of them consist of the same words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from portal.ui.docs.contents import PAGES, Page
from portal.ui.samples.values import Values

MAX_WORDS = 8  # of a text that is searched for
WORDS_BEFORE, WORDS_AFTER = 6, 18  # in an excerpt, around the first word that was found
SKIPPED = frozenset({"pre", "svg", "fieldset", "nav", "aside", "footer"})  # samples, pictures, navigation
INLINE = frozenset({"a", "b", "code", "em", "span", "strong", "wbr"})  # no space around them


@dataclass(frozen=True)
class Section:
    """A section of a page; the beginning of the page has no anchor, and the title and lead of the page."""

    url: str
    title: str
    page_title: str
    words: tuple[str, ...]
    folded: str  # the words

    def rank(self, wanted: list[str]) -> int:
        """Return 0 if a wanted word is missing, else a number that is higher for words in the titles."""
        own, page = _fold(self.title), _fold(self.page_title)
        if not all(word in own or word in page or word in self.folded for word in wanted):
            return 0
        return 1 + sum(3 * (word in own) + (word in page) for word in wanted)

    def excerpt(self, wanted: list[str]) -> str:
        """Return the words around the first that was found; the beginning if only a title has them."""
        hits = (at for at, own in enumerate(map(_fold, self.words)) if any(word in own for word in wanted))
        start = max(next(hits, 0) - WORDS_BEFORE, 0)
        end = start + WORDS_BEFORE + WORDS_AFTER
        shown = " ".join(self.words[start:end])
        return f"{'… ' if start else ''}{shown}{' …' if end < len(self.words) else ''}"


def sections_for(text: str) -> Iterator[tuple[Section, str]]:
    """Yield the sections that have every word of the text, the best first, each with an excerpt."""
    wanted = _fold(text).split()[:MAX_WORDS]
    ranks = [(section.rank(wanted), section) for section in _index(translation.get_language())] if wanted else []
    for rank, section in sorted(ranks, key=lambda each: -each[0]):
        if rank:
            yield section, section.excerpt(wanted)


@cache
def _index(language: str) -> tuple[Section, ...]:
    with translation.override(language):
        return tuple(section for page in PAGES for section in _sections(page))


def _sections(page: Page) -> Iterator[Section]:
    names = {"service_name": settings.SERVICE_NAME, "organisation_name": settings.ORGANISATION_NAME}
    context = {"page": page, "sections": page.sections, "urls": Values().texts(), **names}
    reader = _SectionReader(page)
    reader.feed(render_to_string(f"docs/{page.slug}.html", context))
    url = reverse("docs:page", args=[page.slug])
    for anchor, text in reader.texts.items():
        words = tuple(text.split())
        title = str(page.sections[anchor] if anchor else page.title)
        yield Section(f"{url}#{anchor}" if anchor else url, title, str(page.title), words, _fold(" ".join(words)))


class _SectionReader(HTMLParser):
    """Reads the text of each section of a page, by anchor; the lead of the page stands under an empty one."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.texts = {"": str(page.lead)} | dict.fromkeys(page.sections, "")
        self._anchor = ""
        self._is_heading = False
        self._skipped = 0  # depth

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        anchor = dict(attrs).get("id") or ""
        if tag == "h2" and anchor in self.texts:
            self._anchor, self._is_heading = anchor, True
        self._skipped += tag in SKIPPED
        if self._anchor and tag not in INLINE:
            self.texts[self._anchor] += " "

    def handle_endtag(self, tag: str) -> None:
        self._is_heading = self._is_heading and tag != "h2"
        self._skipped -= tag in SKIPPED

    def handle_data(self, data: str) -> None:
        if self._anchor and not self._is_heading and not self._skipped:
            self.texts[self._anchor] += data


def _fold(text: str) -> str:
    """Return the text without case and accents."""
    return "".join(each for each in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(each))
