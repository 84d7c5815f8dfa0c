"""The badge that tells one installation from another, on pages and in mails."""

from __future__ import annotations

import pytest
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from clients.mail import outbox, rendering
from clients.models import Mail
from tests.portal.support import browsers
from tests.support import factories

pytestmark = pytest.mark.django_db


def mail_about(client) -> rendering.MailText:
    outbox.queue_for(user=factories.lotte(), kind=Mail.Kind.CONTACT_ADDED, client=client, now=timezone.now())
    return rendering.render(Mail.objects.latest("pk"), now=timezone.now())


def test_the_name_of_the_environment_is_on_every_page_and_in_every_mail(settings, made) -> None:
    settings.ENVIRONMENT_NAME, settings.ENVIRONMENT_COLOUR = "Test <1>", "amber"
    page = Browser().get(reverse("public:landing")).text
    assert "kd-env--amber" in page
    assert "Test &lt;1&gt;" in page
    text = mail_about(made)
    assert "Test <1>" in text.body
    assert "Test &lt;1&gt;" in text.html


def test_without_a_name_there_is_no_badge(settings, made) -> None:
    settings.ENVIRONMENT_NAME = ""
    assert "kd-env" not in Browser().get(reverse("public:landing")).text


def test_a_client_id_says_in_which_environment_it_works(settings, made) -> None:
    settings.ENVIRONMENT_NAME = "Acceptance"
    page = reverse("contact:client", kwargs={"uid": made.uid})
    assert "Works in Acceptance only" in " ".join(browsers.of(factories.lotte()).get(page).text.split())
    settings.ENVIRONMENT_NAME = ""
    assert "Works in" not in browsers.of(factories.lotte()).get(page).text
