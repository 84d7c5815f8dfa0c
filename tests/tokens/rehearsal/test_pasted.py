"""Reading a token request that a person pasted: a curl command, a raw HTTP request, a form."""

from __future__ import annotations

import base64
from urllib.parse import parse_qsl

import pytest

from tests.support.clock import seconds_taken
from tokens.protocol import pasted
from tokens.protocol.hiding import without_credentials
from tokens.protocol.parameters import FORM
from tokens.protocol.pasted import HIDDEN, Pasted

URL = "https://keydesk.example/oauth/v2/token"
SECRET = "kds_" + "Q" * 45 + "d8T3"
MASKED = "kds_" + "*" * 45 + "d8T3"


def read(text: str) -> Pasted:
    return pasted.read(text, path="/oauth/v2/token", client_id="k4m9xw2hz7ra")


def form(text: str) -> dict[str, str]:
    return dict(parse_qsl(read(text).request.body.decode(), keep_blank_values=True))


def basic(text: str) -> str:
    return base64.b64decode(read(text).request.authorization.removeprefix("Basic ")).decode()


@pytest.mark.parametrize(
    "command",
    [
        f"curl -d grant_type=client_credentials -d 'scope=a b' {URL}",
        f"curl '{URL}' --data grant_type=client_credentials --data \"scope=a b\"",
        f"$ curl -sS -X POST \\\n  {URL} \\\n  -d 'grant_type=client_credentials&scope=a+b'",
        f"/usr/bin/curl --data-urlencode 'scope=a b' --data-raw grant_type=client_credentials {URL} | jq .",
        f'curl.exe -sSfd "grant_type=client_credentials&scope=a+b" {URL}',
        f"curl {URL} ^\r\n  --data grant_type=client_credentials --data-urlencode scope=a\\ b",
        f"TOKEN=$(curl -m 10 -o /dev/null -H 'Accept: */*' {URL} -dgrant_type=client_credentials -d scope=a+b)",
        f"# how we do it\nset -eu\ncurl {URL} -d grant_type=client_credentials -d scope=a+b\necho done",
    ],
)
def test_a_command_is_read_as_a_shell_and_curl_read_it(command: str) -> None:
    request, url = read(command)
    assert (request.method, request.path, request.content_type) == ("POST", "/oauth/v2/token", FORM)
    assert url == URL
    assert form(command.removesuffix(")")) == {"grant_type": "client_credentials", "scope": "a b"}


@pytest.mark.parametrize("user", ["-u 'id:se cret'", '--user "id:se cret"', "-uid:se\\ cret", "-sSu id:'se cret'"])
def test_the_user_of_a_command_is_its_basic_header(user: str) -> None:
    assert basic(f"curl {user} -d grant_type=client_credentials {URL}") == "id:se cret"


def test_variables_of_the_shell_stand_for_what_is_not_in_the_text() -> None:
    command = 'curl -u "$ID:${SECRET}" --data-urlencode "client_id=$CLIENT_ID" -d scope=$SCOPE "$TOKEN_URL"'
    assert basic(command) == f"k4m9xw2hz7ra:{HIDDEN}"
    assert form(command) == {"client_id": "k4m9xw2hz7ra"}
    assert read(command).url == ""
    assert read(command).request.path == "/oauth/v2/token"


def test_in_single_quotes_a_variable_is_sent_as_its_name() -> None:
    assert form(f"curl -d 'client_secret=$SECRET' {URL}") == {"client_secret": "$SECRET"}


def test_what_is_in_a_file_is_not_in_the_text() -> None:
    assert form(f"curl --data-urlencode client_secret@secret.txt {URL}") == {"client_secret": HIDDEN}
    with pytest.raises(pasted.DataInFile):
        read(f"curl -d @form.txt {URL}")


@pytest.mark.parametrize(
    ("options", "content_type"),
    [
        ("--json '{}'", "application/json"),
        ("-F scope=a", "multipart/form-data"),
        ("-H 'content-type: text/plain' -d a=b", "text/plain"),
    ],
)
def test_the_kind_of_content_is_that_of_the_options(options: str, content_type: str) -> None:
    assert read(f"curl {options} {URL}").request.content_type == content_type


def test_get_has_its_parameters_in_the_address() -> None:
    request = read(f"curl -G -d scope=a {URL}").request
    assert (request.method, request.query, request.body) == ("GET", "scope=a", b"")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_request_is_read_as_it_is_on_the_wire(end: str) -> None:
    head = [
        "POST /oauth/v2/token HTTP/1.1",
        "Host: keydesk.example",
        f"Content-Type: {FORM}",
        "Authorization: Basic eA==",
    ]
    request, url = read(end.join([*head, "", "grant_type=client_credentials&scope=a", ""]))
    assert (request.method, request.path, request.content_type) == ("POST", "/oauth/v2/token", FORM)
    assert request.authorization == "Basic eA=="
    assert request.body == b"grant_type=client_credentials&scope=a"
    assert url == "//keydesk.example/oauth/v2/token"


def test_a_form_alone_goes_to_the_token_endpoint() -> None:
    request, url = read("grant_type=client_credentials&\n  scope=a\n")
    assert (request.method, request.path, url) == ("POST", "/oauth/v2/token", "")


@pytest.mark.parametrize("text", ["eyJh.eyJh.x", "hello", "", "curl", "a.b.c"])
def test_other_texts_are_no_requests(text: str) -> None:
    assert not pasted.is_request(text)
    with pytest.raises(pasted.NoRequest):
        read(text)


def test_an_address_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(pasted.NoRequest):
        read("curl http://[x -d a=b")


@pytest.mark.parametrize("piece", ["'", '"', "\\", "$(", "${a", "a ", "-d x ", "a=b&", "curl ", "' \"", "%a", "\n"])
def test_no_text_takes_long(piece: str) -> None:
    text = ("curl " + piece * 64_000)[: 64 * 1024]
    assert seconds_taken(lambda: read(text), good_enough=0.05) < 0.3
    assert seconds_taken(lambda: without_credentials(text), good_enough=0.05) < 0.3


# --- Hiding credentials -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"client_secret={SECRET}&scope=a", f"client_secret={MASKED}&scope=a"),
        (f"client_secret={SECRET}%0A", f"client_secret={MASKED}%0A"),
        ("client_secret=hunter2&a=b", "client_secret=*******&a=b"),
        ('{"client_secret": "hunter2"}', '{"client_secret": "*******"}'),
        ("curl -u id:hunter2 x", "curl -u id:******* x"),
        ("curl --user 'id:hunter2' x", "curl --user 'id:*******' x"),
        (f'curl -u "id:{SECRET}"', f'curl -u "id:{MASKED}"'),
        ("curl -u $ID:$SECRET", "curl -u $ID:$SECRET"),
        ("curl https://id:hunter2@keydesk.example/", f"curl https://id:{HIDDEN}@keydesk.example/"),
        ("Authorization: Bearer abc", f"Authorization: Bearer {HIDDEN}"),
        ("Authorization: hunter2", f"Authorization: {HIDDEN}"),
        ("client_assertion=eyJhbGciOiJ4In0.eyJhIjoxfQ.c2ln", f"client_assertion=eyJhbGciOiJ4In0.eyJhIjoxfQ.{HIDDEN}"),
        ("kdt_" + "x" * 49, "*" * 53),
    ],
)
def test_credentials_are_hidden_and_the_rest_stays(text: str, shown: str) -> None:
    assert without_credentials(text) == shown
    assert without_credentials(shown) == shown


def test_the_secret_in_a_basic_header_is_hidden_and_the_client_id_stays() -> None:
    sent = base64.b64encode(f"k4m9xw2hz7ra:{SECRET}".encode()).decode()
    shown = without_credentials(f"curl -H 'Authorization: Basic {sent}' x")
    hidden = base64.b64encode(f"k4m9xw2hz7ra:{MASKED}".encode()).decode()
    assert shown == f"curl -H 'Authorization: Basic {hidden}' x"


def test_a_value_that_was_read_is_hidden_wherever_it_stands() -> None:
    assert without_credentials("curl -u 'id:se cret'", ["se cret"]) == "curl -u 'id:*******'"
