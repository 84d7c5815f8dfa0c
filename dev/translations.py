"""The translations: `make messages` finds every text and updates portal/locale/<language>/LC_MESSAGES/django.po.

By Babel and polib, because GNU gettext is not on every machine; Django's `templatize` turns a template into a text for
a Python parser. A test compares catalogues and texts (tests/dev/test_translations.py).
"""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import polib
from babel.messages.extract import extract
from django.utils.translation.template import templatize

from dev.compile_translations import LOCALES, compile_stale

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("nl", "fr", "de")
PACKAGES = ("portal", "clients", "tokens", "audit", "foundation")
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


def texts() -> set[Text]:
    """Return every text for people in the code and the templates."""
    return set(_in_code()) | set(_in_templates())


def _in_code() -> Iterator[Text]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if path not in LEFT_OUT and "node_modules" not in path.parts:
                yield from _read(path.read_bytes())


def _in_templates() -> Iterator[Text]:
    for path in sorted((ROOT / "templates").rglob("*")):
        if path.is_file() and path not in LEFT_OUT:
            code = templatize(path.read_text(), origin=str(path))
            # Blanks left of the markup must not look like a wrong indentation to Python's tokenizer.
            yield from _read("\n".join(line.strip() for line in code.splitlines()).encode())


def _read(code: bytes) -> Iterator[Text]:
    for _line, found, _comments, context in extract("python", io.BytesIO(code), keywords=KEYWORDS):
        text, plural = found[-2:] if isinstance(found, tuple) and len(found) > 1 else (found, None)
        if isinstance(text, tuple):
            (text,) = text
        if text:
            yield context, text, plural


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
    # A text with and without a plural gets one entry, with the plural, which serves both.
    for context, text, several in sorted(texts(), key=lambda found: (found[1], found[0] or "", not found[2])):
        entry = old.get((context, text)) or polib.POEntry(msgctxt=context, msgid=text)
        if several and not entry.msgid_plural:
            entry = polib.POEntry(
                msgctxt=context, msgid=text, msgid_plural=several, msgstr_plural={0: entry.msgstr, 1: ""}
            )
        if (context, text) not in {(e.msgctxt, e.msgid) for e in catalogue[-1:]}:
            catalogue.append(entry)
    catalogue.save(str(path))
    return catalogue


def main() -> None:
    for language in LANGUAGES:
        catalogue = update(language)
        sys.stdout.write(f"{language}: {len(catalogue)} texts, {len(catalogue.untranslated_entries())} untranslated\n")
    compile_stale()


if __name__ == "__main__":
    main()
