"""CSV that is streamed row by row, and safe to open in a spreadsheet."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from django.http import StreamingHttpResponse

# Openings of a cell that a spreadsheet runs as a formula (OWASP: CSV injection), also in full width. Where the comma
# is the decimal sign, Excel splits cells at semicolons and ignores our quotes: there a cell may also begin inside one
# of ours.
DANGEROUS = re.compile(r"""\A(?=[=+\-@＝＋－＠\t\r])|(?<=[;\t\r\n])(?="*+[=+\-@＝＋－＠])""")


class _Echo:
    """File for csv.writer whose `write` returns each line."""

    def write(self, line: str) -> str:
        return line


def safe_cell(value: object) -> object:
    return DANGEROUS.sub("'", value) if isinstance(value, str) else value


def lines(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    for row in rows:
        yield writer.writerow([safe_cell(value) for value in row])


def response(rows: Iterable[Sequence[object]], *, name: str) -> StreamingHttpResponse:
    """Stream the rows. `name`: of the file, with its ending. UTF-8 with a byte order mark, by which Excel knows it."""
    return download((line.encode() for line in _with_mark(lines(rows))), name=name, kind="text/csv; charset=utf-8")


def download(chunks: Iterable[bytes], *, name: str, kind: str) -> StreamingHttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(chunks, content_type=kind, headers=headers)


def _with_mark(text: Iterator[str]) -> Iterator[str]:
    yield "\ufeff"
    yield from text


def log_file_name(now: datetime) -> str:
    """Return the name without its ending."""
    return f"change-log-{now:%Y-%m-%d}"


def selection_file_name(now: datetime) -> str:
    """Return the name for a part of the log; not that of the whole change log, as a part cannot be verified."""
    return f"change-log-selection-{now:%Y-%m-%d}"
