"""Rendering a piece of a page, and reading it as a browser does."""

from html.parser import HTMLParser

from django.http.response import HttpResponseBase
from django.template import engines

ADDRESSES = ("href", "action", "formaction", "src")  # attributes that hold one


class Page(HTMLParser):
    """The elements of a page, each as (tag, attributes)."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.elements if name == tag]

    def with_id(self, id_: str) -> tuple[str, dict[str, str]]:
        [found] = [(tag, attrs) for tag, attrs in self.elements if attrs.get("id") == id_]
        return found

    @property
    def ids(self) -> list[str]:
        return [attrs["id"] for _tag, attrs in self.elements if "id" in attrs]


def seen_on(page: str) -> str:
    """Return the edit tag of the state that the page shows, from its form."""
    return next(field["value"] for field in Page(page).all("input") if field.get("name") == "seen")


def without_breaks(page: str) -> str:
    """Return the page without the places at which a long name or address may break."""
    return page.replace("<wbr>", "")


def rendered(source: str, **context: object) -> str:
    return engines["django"].from_string(source).render(context)


def leading_nowhere(answer: HttpResponseBase) -> list[str]:
    """Return the elements of a page with an empty address: a template found no value for it."""
    if answer.streaming or not answer.headers.get("Content-Type", "").startswith("text/html"):
        return []
    empty = [(tag, name) for tag, attrs in Page(answer.text).elements for name in ADDRESSES if attrs.get(name) == ""]
    return [f"<{tag}> with an empty {name}" for tag, name in empty]
