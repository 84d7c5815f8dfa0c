"""Compile portal/locale/<language>/LC_MESSAGES/django.po into the .mo beside it, where that is older or missing.

The compiled files are not tracked; the Makefile, the test run and the image build call this.
"""

from pathlib import Path

import polib

LOCALES = Path(__file__).resolve().parent.parent / "portal" / "locale"


def compile_stale() -> list[Path]:
    """Write each .mo that is missing or older than its .po; return those written."""
    stale = [path for path in sorted(LOCALES.glob("*/LC_MESSAGES/django.po")) if not _is_fresh(path)]
    for path in stale:
        polib.pofile(str(path)).save_as_mofile(str(path.with_suffix(".mo")))
    return stale


def _is_fresh(path: Path) -> bool:
    compiled = path.with_suffix(".mo")
    return compiled.exists() and compiled.stat().st_mtime >= path.stat().st_mtime


if __name__ == "__main__":
    compile_stale()
