"""The translations: `make messages` finds every text and updates portal/locale/<language>/LC_MESSAGES/django.po.

By Babel and polib, because GNU gettext is not on every machine; Django's `templatize` turns a template into a text for
a Python parser. A test compares catalogues and texts (tests/dev/test_translations.py).
"""

import io
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import polib
from babel.messages.extract import extract
from django.utils.translation.template import templatize

from dev.compile_translations import LOCALES, compile_stale

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("nl", "fr", "de")
PACKAGES = ("portal", "clients", "tokens", "audit", "foundation")
COMMENTED = "Translators:"
# The gallery is for developers, and its data is no text of the product.
LEFT_OUT = {ROOT / "templates/gallery.html"}

KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}

type Text = tuple[str | None, str, str | None]  # context, text, plural


@dataclass
class Use:
    """The files a text stands in, and the comments there that begin with `Translators:`."""

    files: set[str] = field(default_factory=set)
    comments: set[str] = field(default_factory=set)


def texts() -> dict[Text, Use]:
    """Return every text for people in the code and the templates, with its uses."""
    found: defaultdict[Text, Use] = defaultdict(Use)
    for path, code in chain(_in_code(), _in_templates()):
        for text, comment in _read(code):
            found[text].files.add(path.relative_to(ROOT).as_posix())
            found[text].comments |= {comment} - {""}
    return dict(found)


def _in_code() -> Iterator[tuple[Path, bytes]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if path not in LEFT_OUT and "node_modules" not in path.parts:
                yield path, path.read_bytes()


def _in_templates() -> Iterator[tuple[Path, bytes]]:
    for path in sorted((ROOT / "templates").rglob("*")):
        if path.is_file() and path not in LEFT_OUT:
            code = templatize(path.read_text(), origin=str(path))
            # Blanks left of the markup must not look like a wrong indentation to Python's tokenizer.
            yield path, "\n".join(line.strip() for line in code.splitlines()).encode()


def _read(code: bytes) -> Iterator[tuple[Text, str]]:
    """Yield each text with the comment for translators above it, or an empty one."""
    for _line, found, comments, context in extract(
        "python", io.BytesIO(code), keywords=KEYWORDS, comment_tags=(COMMENTED,)
    ):
        text, plural = found[-2:] if isinstance(found, tuple) and len(found) > 1 else (found, None)
        if isinstance(text, tuple):
            (text,) = text
        if text:
            yield (context, text, plural), " ".join(comments).removeprefix(COMMENTED).strip()


def update(language: str) -> polib.POFile:
    """Write the catalogue as .po: new texts added (empty), vanished ones removed. Returns it."""
    path = LOCALES / language / "LC_MESSAGES" / "django.po"
    path.parent.mkdir(parents=True, exist_ok=True)
    old = {(e.msgctxt, e.msgid): e for e in polib.pofile(str(path))} if path.exists() else {}
    catalogue = polib.POFile(wrapwidth=120)
    plural = "n > 1" if language == "fr" else "n != 1"
    catalogue.metadata = {
        "Language": language,
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": f"nplurals=2; plural=({plural});",
    }
    # Of a text that is also used with a plural, that entry is the one: it serves both.
    uses = texts()
    for context, text, several in sorted(uses, key=lambda found: (found[1], found[0] or "", not found[2])):
        entry = old.get((context, text)) or polib.POEntry(msgctxt=context, msgid=text)
        if several and not entry.msgid_plural:
            entry = polib.POEntry(
                msgctxt=context, msgid=text, msgid_plural=several, msgstr_plural={0: entry.msgstr, 1: ""}
            )
        if (context, text) not in {(e.msgctxt, e.msgid) for e in catalogue[-1:]}:
            _refer(entry, [use for known, use in uses.items() if known[:2] == (context, text)])
            catalogue.append(entry)
    catalogue.save(str(path))
    return catalogue


def _refer(entry: polib.POEntry, uses: list[Use]) -> None:
    """Name the files and the comments; no line numbers, which change with every edit."""
    entry.occurrences = [(name, "") for name in sorted(set().union(*(use.files for use in uses)))]
    entry.comment = "\n".join(sorted(set().union(*(use.comments for use in uses))))


def main() -> None:
    for language in LANGUAGES:
        catalogue = update(language)
        sys.stdout.write(f"{language}: {len(catalogue)} texts, {len(catalogue.untranslated_entries())} untranslated\n")
    compile_stale()


if __name__ == "__main__":
    main()
