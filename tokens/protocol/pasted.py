"""HTTP request in a pasted text: a curl command, a raw HTTP request, or a form. No Django here.

The text comes from a person, who may paste anything. The caller bounds its length; everything here takes linear time. A
variable of the shell, such as "$SECRET", stands for a value that is not in the text: that of the client, if it is the
client id, else HIDDEN.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import quote_plus, urlsplit

from tokens.protocol.http import READ_HEADERS, Request
from tokens.protocol.parameters import FORM, KNOWN

HIDDEN = "*" * 8
MAX_WORDS = 500  # of a command; more are left out

_PIECE = re.compile(
    r"'(?P<literal>[^']*+)'|\"(?P<quoted>(?:[^\"\\]|\\.)*+)\"|\\(?P<escaped>.)|(?P<bare>[^\s'\"\\]++)|(?P<blank>\s++)",
    re.DOTALL,
)
_CONTINUED = re.compile(r"[\\^`]\r?\n")  # of sh, cmd.exe and PowerShell
_VARIABLE = re.compile(r"\$(?:\{\w{1,100}\}|\w{1,100}|\([^)]{0,200}\))|%\w{1,100}%")
_ESCAPE = re.compile(r"\\([\"\\$`])")  # in double quotes (POSIX shell, section 2.2.3)
_CURL = re.compile(r"(?:^|(?<=[\s|(&;/]))curl(?:\.exe)?\s")
_REQUEST_LINE = re.compile(r"([A-Za-z]{3,10}) (\S{1,2000})(?: HTTP/[\d.]{1,3})?\r?\n")
_FORM = re.compile(rf"(?:^|&)(?:{'|'.join(sorted(KNOWN))})=")

_WITH_VALUE = frozenset("AbcCdDeEFHKmoPQrtTuUwxXyYz")  # curl's short options with a value
_LONG_WITH_VALUE = frozenset({
    "--cacert", "--capath", "--cert", "--config", "--connect-timeout", "--cookie", "--cookie-jar", "--data",
    "--data-ascii", "--data-binary", "--data-raw", "--data-urlencode", "--form", "--form-string", "--header", "--json",
    "--key", "--max-time", "--oauth2-bearer", "--output", "--proxy", "--proxy-user", "--referer", "--request",
    "--resolve", "--retry", "--retry-delay", "--upload-file", "--url", "--user", "--user-agent", "--write-out",
})  # fmt: skip
_LONG = {"d": "--data", "F": "--form", "H": "--header", "u": "--user", "X": "--request", "G": "--get"}
_CONTENT_TYPES = {
    "--data": FORM, "--data-ascii": FORM, "--data-binary": FORM, "--data-raw": FORM, "--data-urlencode": FORM,
    "--json": "application/json", "--form": "multipart/form-data", "--form-string": "multipart/form-data",
}  # fmt: skip


class NoRequest(ValueError):
    """Text that is no HTTP request."""


class DataInFile(NoRequest):
    """Command that sends the content of a file, which is not in the text."""


class Pasted(NamedTuple):
    """HTTP request, and where it goes: "" for a form alone, or if the address is a variable."""

    request: Request
    url: str


def is_request(text: str) -> bool:
    """Return whether a text is a command, a raw HTTP request or a form, not an assertion alone."""
    return bool(_REQUEST_LINE.match(text.lstrip()) or _CURL.search(text) or _FORM.search(text.lstrip()))


def read(text: str, *, path: str, client_id: str) -> Pasted:
    """Return the HTTP request in the text; one without an address goes to `path`. Raises NoRequest."""
    if _REQUEST_LINE.match(text.lstrip()):
        return _raw(text.lstrip())
    if command := _CURL.search(text):
        return _Command(list(_words(text[command.start() :])), path, client_id).request()
    if _FORM.search(text.lstrip()):
        return _pasted("POST", path, {"content-type": FORM}, "".join(text.splitlines()).strip())._replace(url="")
    raise NoRequest


def _pasted(method: str, url: str, headers: dict[str, str], body: str) -> Pasted:
    try:
        address = urlsplit(url if "://" in url or url.startswith("/") else f"//{url}")
    except ValueError:
        raise NoRequest from None
    known = {name: value for name, value in headers.items() if name in READ_HEADERS}
    body_sent = body.encode("utf-8", "surrogatepass")
    return Pasted(Request(method, address.path or "/", address.query, known, "", body_sent), url)


def _raw(text: str) -> Pasted:
    """Read a request as it is on the wire (RFC 9112), with any line ends."""
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    first, *lines = head.split("\n")
    method, url = first.split(" ")[:2]
    fields = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, colon, value in fields if colon}
    if url.startswith("/") and (host := headers.get("host")):
        url = f"//{host}{url}"
    return _pasted(method.upper(), url, headers, body.strip("\n"))


# --- A command of the shell -------------------------------------------------------------------------------------------


def _words(text: str) -> Iterator[str]:
    """Yield the words of a command as a shell splits them, with HIDDEN for its variables; the first command only."""
    text, at, word, count = _CONTINUED.sub(" ", text), 0, None, 0
    while at < len(text) and count < MAX_WORDS:
        found = _PIECE.match(text, at)
        piece = found[0] if found else text[at]  # a quote without its end stands for itself
        at += len(piece)
        if found and found["blank"] is not None:
            if word is not None:
                yield word
                count += 1
            if "\n" in piece and word is not None:
                return
            word = None
        elif found and found["bare"] in {"|", "&&", ";", "||", ">"} and word is None:
            return
        else:
            word = (word or "") + (_expanded(found) if found else piece)
    if word is not None:
        yield word


def _expanded(piece: re.Match[str]) -> str:
    if piece["literal"] is not None:
        return piece["literal"]
    if piece["escaped"] is not None:
        return piece["escaped"]
    if piece["quoted"] is not None:
        return _ESCAPE.sub(r"\1", _VARIABLE.sub(HIDDEN, piece["quoted"]))
    return _VARIABLE.sub(HIDDEN, piece["bare"])


@dataclass
class _Command:
    """curl's options, as far as they say what is sent (curl(1))."""

    words: list[str]
    path: str
    client_id: str
    method: str = ""
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    data: list[str] = field(default_factory=list)
    content_type: str = FORM
    is_get: bool = False

    def request(self) -> Pasted:
        left = iter(self.words[1:])
        for word in left:
            for option, value in self._options(word, left):
                self._take(option, value)
        headers = dict(self.headers)
        if self.data and not self.is_get:
            headers.setdefault("content-type", self.content_type)
        body, url = "&".join(self.data), self.url
        if self.is_get and body:
            url, body = f"{url}{'&' if '?' in url else '?'}{body}", ""
        method, is_variable = self.method or ("POST" if body else "GET"), HIDDEN in url
        pasted = _pasted(method, self.path if is_variable else url, headers, body)
        return pasted._replace(url="") if is_variable else pasted

    def _options(self, word: str, left: Iterator[str]) -> Iterator[tuple[str, str]]:
        """Yield each option of a word with its value; an address has the option --url."""
        if word.startswith("--"):
            yield word, next(left, "") if word in _LONG_WITH_VALUE else ""
        elif word.startswith("-") and len(word) > 1:
            for position, letter in enumerate(word[1:], 2):
                name = _LONG.get(letter, letter)
                if letter in _WITH_VALUE:
                    yield name, word[position:] or next(left, "")
                    return
                yield name, ""
        else:
            yield "--url", word

    def _take(self, option: str, value: str) -> None:
        match option:
            case "--request":
                self.method = value.upper()
            case "--url":
                self.url = self.url or value
            case "--header":
                name, _, content = value.partition(":")
                self.headers[name.strip().lower()] = content.strip()
            case "--user":
                self.headers["authorization"] = self._basic(value)
            case "--oauth2-bearer":
                self.headers["authorization"] = f"Bearer {value}"
            case "--get":
                self.is_get = True
            case _ if option in _CONTENT_TYPES:
                self._add(option, value)

    def _add(self, option: str, value: str) -> None:
        is_encoded = option == "--data-urlencode"
        if value.startswith("@") and not is_encoded and option != "--data-raw":
            raise DataInFile
        if value.startswith("client_id=") and HIDDEN in value:
            value = f"client_id={self.client_id}"
        if value.startswith("scope=") and HIDDEN in value:
            return
        self.data.append(_url_encoded(value) if is_encoded else value)
        self.content_type = _CONTENT_TYPES[option]

    def _basic(self, user: str) -> str:
        """Return the header of -u; without a colon curl asks for the secret."""
        name, colon, secret = user.partition(":")
        pair = f"{self.client_id if HIDDEN in name else name}:{secret if colon else HIDDEN}"
        return "Basic " + base64.b64encode(pair.encode("utf-8", "surrogatepass")).decode()


def _url_encoded(value: str) -> str:
    """Return a value of --data-urlencode; that of a file is hidden."""
    name, equals, content = value.partition("=")
    if not equals:
        name, at_sign, _file = value.partition("@")
        return f"{name}={HIDDEN}" if at_sign and name else quote_plus(value)
    return f"{name}={quote_plus(content)}" if name else quote_plus(content)
