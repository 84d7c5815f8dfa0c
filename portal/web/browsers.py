"""The name of a browser, for lists of sessions and for mails: one of our own words, whatever the header says."""

from portal.web.http_request import Request

MAX_HEADER_LENGTH = 400  # characters that are read

# Names in the User-Agent header, the more specific first: Edge and Opera also say Chrome, and Chrome says Safari.
BROWSERS = {
    "Edg": "Edge", "OPR/": "Opera", "SamsungBrowser/": "Samsung Internet", "Firefox/": "Firefox", "FxiOS/": "Firefox",
    "Chrome/": "Chrome", "CriOS/": "Chrome", "Safari/": "Safari", "curl/": "curl",
}  # fmt: skip
SYSTEMS = {
    "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS X": "Mac",
    "CrOS": "ChromeOS", "Linux": "Linux",
}  # fmt: skip


def of(request: Request) -> str:
    """Return the browser that sent this HTTP request, for instance "Chrome, Windows"."""
    return name_of(request.headers.get("User-Agent", ""))


def name_of(user_agent: str) -> str:
    """Return "Chrome, Windows", or "" when nothing in the header is known."""
    header = user_agent[:MAX_HEADER_LENGTH]
    found = (next((name for mark, name in names.items() if mark in header), "") for names in (BROWSERS, SYSTEMS))
    return ", ".join(filter(None, found))
