"""The documentation: open to everybody, complete, and filled in with the reader's own client."""

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client as Browser
from django.urls import reverse
from pytest_django import Settings

from clients.acts import catalogue
from clients.acts.credentials import client_secrets, keys
from clients.models import Client, Scope
from portal.ui import samples
from portal.ui.docs.contents import PAGES, neighbours
from portal.ui.samples.values import ALGORITHMS, Values
from tests.portal.support import browsers
from tests.portal.support.html import Page
from tests.support import factories
from tests.support.factories import NOW
from tests.support.keys import new_ec, public_key
from tokens.endpoints import example_api
from tokens.policy import METHODS
from tokens.protocol import errors

pytestmark = pytest.mark.django_db

VERBATIM = re.compile(r"{% verbatim %}(.*?){% endverbatim %}", re.DOTALL)
WITH_SAMPLES = ("get-a-token", "call-an-api", "resource-servers")


def page_url(slug: str, **query: object) -> str:
    return reverse("docs:page", args=[slug], query=query or None)


def client_with_key(**members: object) -> Client:
    client, _secret = factories.client()
    keys.add(client=client, key=public_key(new_ec(), **members), by=factories.SYSTEM, now=datetime.now(UTC))
    return client


def main_part(browser: Browser, url: str) -> str:
    """Of the page, without the header's forms and their tokens."""
    html = browser.get(url).content.decode()
    return html[html.index("<main") : html.index("</main>")]


# --- The pages --------------------------------------------------------------------------------------------------------


def test_the_documentation_is_open_to_everybody_on_every_page(client: Browser) -> None:
    index = client.get(reverse("docs:index")).content.decode()
    for page in PAGES:
        assert page_url(page.slug) in index
        assert client.get(page_url(page.slug)).status_code == 200


@pytest.mark.parametrize("path", ["/docs/no-such-page/", "/docs/samples/call_api/get_token.py", "/docs/samples/x/y.py"])
def test_what_does_not_exist_is_not_found(client: Browser, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.slug)
def test_on_this_page_lists_every_section_in_order(client: Browser, page) -> None:
    html = client.get(page_url(page.slug)).content.decode()
    headings = re.findall(r'<h2 class="govuk-heading-m" id="([^"]+)">([^<]+?)\s*</h2>', html)
    sections = {"api-keydesk": "Keydesk"} if page.slug == "scopes" else page.sections  # those of the catalogue
    assert headings == [(anchor, str(title)) for anchor, title in sections.items()]
    ids = Page(html).ids
    assert len(ids) == len(set(ids)), "an id that comes twice"


def test_previous_and_next_lead_through_all_pages() -> None:
    walked = [PAGES[0]]
    while after := neighbours(walked[-1])[1]:
        walked.append(after)
    assert tuple(walked) == PAGES


def test_every_error_that_the_server_answers_has_its_section() -> None:
    def below(cls: type[errors.Refused]) -> set[type[errors.Refused]]:
        return {cls}.union(*map(below, cls.__subclasses__()))

    answered = {error for cls in below(errors.Refused) if (error := cls.error)}
    documented = next(page for page in PAGES if page.slug == "errors").sections
    assert answered == set(documented) - {"read", "retry"}


def test_the_scope_of_the_example_api_is_the_one_the_page_names(client: Browser) -> None:
    assert f"<code>{example_api.SCOPE}</code>" in client.get(page_url("call-an-api")).content.decode()


def test_the_scope_catalogue_shows_what_is_offered_in_ones_language(client: Browser) -> None:
    factories.scope("person.nrn.read", sensitive=True)
    described = factories.scope("address.read")
    described.description = {"en": "Addresses of people", "nl": "Adressen van personen"}
    described.save()
    Scope.objects.filter(pk=factories.scope("old.read").pk).update(retired_at=NOW)

    english = client.get(page_url("scopes")).content.decode()
    assert "Addresses of people" in english
    assert "Sensitive: two approvals" in english
    assert "old.read" not in english
    dutch = client.get(page_url("scopes"), headers={"accept-language": "nl"}).content.decode()
    assert "Adressen van personen" in dutch


def test_pages_ask_the_database_equally_often_for_one_row_and_for_ten(client: Browser) -> None:
    factories.client()
    reader = browsers.of(factories.lotte())
    chosen = {"client": Client.objects.get().uid}
    urls = [page_url("scopes", **chosen), page_url("get-a-token", **chosen), reverse("docs:index", query=chosen)]
    before = [browsers.queries(reader, url) for url in urls]
    for number in range(9):
        factories.client(scopes=(factories.scope(f"more.{number}", of=factories.api(f"api{number}")),))
    assert [browsers.queries(reader, url) for url in urls] == before


# --- The reader's own client ------------------------------------------------------------------------------------------


def test_samples_show_placeholders_to_strangers(client: Browser) -> None:
    for slug in WITH_SAMPLES:
        assert "YOUR_CLIENT_ID" in client.get(page_url(slug)).content.decode()


def test_samples_are_filled_in_with_the_chosen_client() -> None:
    factories.client()
    mine = client_with_key()
    html = browsers.of(factories.lotte()).get(page_url("get-a-token", client=mine.uid)).content.decode()
    for value in (mine.client_id, mine.keys.get().kid, "address.read", "http://testserver/oauth/v2/token", "ES256"):
        assert value in html
    assert "private_key_jwt" in html, "a client with a key is shown how to use it"
    assert "YOUR_" not in html


@pytest.mark.parametrize("slug", ["get-a-token", "call-an-api"])
def test_only_kinds_of_key_that_the_client_has_are_offered(slug: str, client: Browser) -> None:
    mine = client_with_key()
    reader = browsers.of(factories.lotte())
    for asked in ({}, {"alg": "RS256"}):
        html = main_part(reader, page_url(slug, client=mine.uid, **asked))
        assert ">EC P-256<" in html
        assert ">RSA<" not in html
        assert mine.keys.get().kid in html
        assert "RS256" not in html
    assert ">RSA<" in client.get(page_url(slug, method="private_key_jwt")).content.decode()


def test_each_kind_of_key_is_shown_with_the_clients_own_key_id() -> None:
    mine = client_with_key()
    older = datetime.now(UTC) - timedelta(minutes=1)
    private = rsa.generate_private_key(65537, 2048)
    kid = keys.add(client=mine, key=public_key(private), by=factories.SYSTEM, now=older).kid
    html = browsers.of(factories.lotte()).get(page_url("get-a-token", client=mine.uid, alg="RS256")).content.decode()
    assert kid in html
    assert "YOUR_KEY_ID" not in html


def test_the_only_client_needs_no_choosing_and_one_of_two_does() -> None:
    first, _secret = factories.client()
    reader = browsers.of(factories.lotte())
    assert first.client_id in reader.get(page_url("call-an-api")).content.decode()
    assert "YOUR_CLIENT_ID" in reader.get(page_url("call-an-api", client="")).content.decode()
    factories.client()
    assert "YOUR_CLIENT_ID" in reader.get(page_url("call-an-api")).content.decode()


@pytest.mark.parametrize("path", [page.slug for page in PAGES])
def test_a_strangers_client_is_not_found(path: str) -> None:
    factories.client(contact=factories.wim())
    reader = browsers.of(factories.lotte())
    for uid in (Client.objects.get().uid, uuid.uuid4(), "nonsense", "%00"):
        assert reader.get(page_url(path, client=uid)).status_code == 404
        assert (
            reader.get(reverse("docs:sample", args=["call_api", "call_api.py"], query={"client": uid})).status_code
            == 404
        )


def test_an_address_with_a_client_tells_nothing_without_a_sign_in(client: Browser) -> None:
    known, _secret = factories.client()
    urls = [page_url("get-a-token", client=uid) for uid in (known.uid, uuid.uuid4(), "nonsense")]
    [seen] = {main_part(client, url) for url in urls}
    assert known.client_id not in seen


def test_no_secret_is_in_any_page_or_sample() -> None:
    mine, secret = factories.client()
    reader = browsers.of(factories.lotte())
    urls = [page_url(page.slug) for page in PAGES] + [
        reverse("docs:sample", args=[topic, sample.filename])
        for topic, all_ in samples.TOPICS.items()
        for sample in all_
    ]
    for url in urls:
        assert secret.encode() not in reader.get(url).content
    assert client_secrets.view(secret=mine.secrets.get(), by=factories.by(factories.lotte()), now=NOW) == secret, (
        "the canary lives"
    )


def test_the_journal_is_offered_to_those_who_have_one(client: Browser) -> None:
    factories.client()
    assert reverse("contact:failures") not in client.get(page_url("errors")).content.decode()
    assert reverse("contact:failures") in browsers.of(factories.lotte()).get(page_url("errors")).content.decode()


# --- Samples ----------------------------------------------------------------------------------------------------------


def test_a_sample_can_be_downloaded_as_the_page_shows_it() -> None:
    mine = client_with_key()
    reader = browsers.of(factories.lotte())
    links = [a["href"] for a in Page(reader.get(page_url("get-a-token")).content.decode()).all("a")]
    files = [link for link in links if "/samples/" in link]
    assert len(files) == 7
    for link in files:
        response = reader.get(link)
        assert response["Content-Type"] == "text/plain; charset=utf-8"
        assert response["Content-Disposition"].startswith("attachment;")
        assert mine.client_id in response.content.decode()


def test_a_key_that_is_over_or_waits_is_not_put_into_samples() -> None:
    mine = client_with_key()
    old = mine.keys.get()
    keys.retire(key=old, overlap=timedelta(0), by=factories.SYSTEM, now=datetime.now(UTC))
    html = browsers.of(factories.lotte()).get(page_url("get-a-token", method="private_key_jwt")).content.decode()
    assert old.kid not in html
    assert "YOUR_KEY_ID" in html


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_sample_can_be_rendered_for_every_kind_of_key(algorithm: str, method: str, settings: Settings) -> None:
    for topic, all_ in samples.TOPICS.items():
        for sample in all_:
            text = samples.render(topic, sample.filename, Values(algorithm=algorithm, method=method))
            source = settings.BASE_DIR / "templates" / "docs" / "samples" / topic / f"{sample.filename}.txt"
            for theirs in VERBATIM.findall(source.read_text()):  # templates of Ansible and External Secrets
                text = text.replace(theirs, "")
            assert "{{" not in text
            assert "{%" not in text


def test_samples_that_cannot_use_the_readers_kind_of_key_are_left_out(client: Browser) -> None:
    html = client.get(page_url("get-a-token", method="private_key_jwt", alg="Ed25519")).content.decode()
    assert "get_token.py" in html
    assert "GetToken.cs" not in html
    url = reverse("docs:sample", args=["private_key_jwt", "GetToken.cs"], query={"alg": "Ed25519"})
    assert client.get(url).status_code == 404


def test_nonsense_in_the_address_changes_nothing(client: Browser) -> None:
    plain = main_part(client, page_url("get-a-token"))
    assert main_part(client, page_url("get-a-token", method="none", alg="<script>")) == plain


def test_a_scope_catalogue_without_scopes_says_so(client: Browser) -> None:
    Scope.objects.all().delete()
    assert "No scopes yet" in client.get(page_url("scopes")).content.decode()
    catalogue.create_api(identifier="empty", name="Empty", description={}, by=factories.SYSTEM)
    assert "No scopes yet" in client.get(page_url("scopes")).content.decode()


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_authentication_has_its_samples(client: Browser, method: str) -> None:
    assert client.get(page_url("get-a-token", method=method)).status_code == 200


def test_the_api_lists_every_operation_with_its_scope(client: Browser) -> None:
    """API M-1."""
    page = " ".join(client.get("/docs/api/").content.decode().replace("<wbr>", "").split())
    document = client.get("/api/v1/openapi.json").json()
    for path, operations in document["paths"].items():
        for method in operations:
            assert f"{method.upper()} {path}" in page
    before, found, _after = page.partition("POST /api/v1/self/keys")
    assert found
    assert before.rstrip(" ").rpartition("keydesk.")[2].startswith("self")
