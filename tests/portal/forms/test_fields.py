"""Form fields and the error summary, as a browser and a screen reader get them."""

import pytest
from django import forms

from portal.ui import template_tags
from tests.portal.support.html import Page, rendered

ATTACK = "<script>alert(1)</script>"


class Request(forms.Form):
    email = forms.EmailField(label="E-mail", help_text="At work.", widget=forms.EmailInput({"autocomplete": "email"}))
    phone = forms.CharField(label="Phone", required=False)
    why = forms.CharField(label="Why", widget=forms.Textarea)
    kind = forms.ChoiceField(label="Kind", choices=[("", "-"), ("city", "City")])
    environment = forms.ChoiceField(
        label="Environment", help_text="Where.", choices=[("test", "Test"), ("live", "Live")], widget=forms.RadioSelect
    )
    scopes = forms.MultipleChoiceField(
        label="Scopes", choices=[("a", "A"), ("b", "B")], widget=forms.CheckboxSelectMultiple
    )
    agree = forms.BooleanField(label="I agree")
    file = forms.FileField(label="File")
    code = forms.CharField(label="Code", widget=forms.TextInput({"autocomplete": "one-time-code"}))
    version = forms.CharField(widget=forms.HiddenInput)

    hints = {"environment": {"test": "Made-up data."}}
    disabled_choices = {"scopes": {"b"}}


def test_a_field_is_tied_to_its_label_hint_and_error():
    form = Request({"email": "info@"})
    page = Page(html := rendered("{% field form.email %}", form=form))
    [label], [control] = page.all("label"), page.all("input")
    assert label["for"] == control["id"] == "id_email"
    assert control["aria-describedby"].split() == ["id_email_helptext", "id_email_error"]
    assert set(control["aria-describedby"].split()) <= set(page.ids)
    assert control["aria-invalid"] == "true"
    assert control["autocomplete"] == "email"
    assert '<span class="govuk-visually-hidden">Error:</span> Enter a valid email address.' in " ".join(html.split())


def test_what_was_typed_is_still_there_when_the_form_comes_back():
    form = Request(
        {"email": "info@", "why": f"because {ATTACK}", "environment": "live", "scopes": ["a"], "agree": "on"}
    )
    html = rendered("{% for f in form %}{% field f %}{% endfor %}", form=form)
    page = Page(html)
    assert page.with_id("id_email")[1]["value"] == "info@"
    assert "because &lt;script&gt;" in html
    assert "checked" in page.with_id("id_environment_1")[1]
    assert "checked" not in page.with_id("id_environment_0")[1]
    assert "checked" in page.with_id("id_scopes_0")[1]
    assert "checked" in page.with_id("id_agree")[1]


def test_a_choice_is_a_fieldset_that_is_described_by_its_hint_and_error():
    page = Page(rendered("{% field form.environment %}", form=Request({"environment": "moon"})))
    [fieldset] = page.all("fieldset")
    assert fieldset["aria-describedby"].split() == ["id_environment_helptext", "id_environment_error"]
    assert len(page.all("legend")) == 1
    assert page.with_id("id_environment_0")[1]["aria-describedby"] == "id_environment_0_hint"
    assert "aria-describedby" not in page.with_id("id_environment_1")[1]


def test_an_option_that_cannot_be_chosen_is_disabled():
    page = Page(rendered("{% field form.scopes %}", form=Request()))
    assert "disabled" in page.with_id("id_scopes_1")[1]
    assert "disabled" not in page.with_id("id_scopes_0")[1]


def test_only_a_field_that_may_stay_empty_is_called_optional():
    assert "(optional)" in rendered("{% field form.phone %}", form=Request())
    assert "(optional)" not in rendered("{% field form.phone optional=False %}", form=Request())
    assert "(optional)" not in rendered("{% field form.email %}", form=Request())


@pytest.mark.parametrize(
    ("name", "css"),
    [
        ("email", "govuk-input"),
        ("why", "govuk-textarea"),
        ("kind", "govuk-select"),
        ("environment", "govuk-radios__input"),
        ("scopes", "govuk-checkboxes__input"),
        ("agree", "govuk-checkboxes__input"),
        ("file", "govuk-file-upload"),
        ("code", "govuk-input kd-input--code"),
    ],
)
def test_each_kind_of_field_gets_its_look(name, css):
    assert f'class="{css}"' in rendered("{% field field %}", field=Request()[name])


def test_a_hidden_field_has_no_label_and_no_box():
    assert rendered("{% field form.version %}", form=Request()).strip().startswith('<input type="hidden"')


def test_a_missing_answer_says_which_one_it_is():
    form = Request({})
    assert template_tags.error_messages(form["email"]) == ["Fill in: E-mail"]
    assert template_tags.error_messages(form["environment"]) == ["Choose an answer: Environment"]
    assert template_tags.error_messages(form["agree"]) == ["Tick “I agree”"]


def test_the_error_summary_leads_to_every_field_that_is_wrong():
    form = Request({"version": "1"})
    html = rendered('{% component "error_summary" form=form %}{% for f in form %}{% field f %}{% endfor %}', form=form)
    page = Page(html)
    targets = [link["href"].removeprefix("#") for link in page.all("a")]
    assert len(targets) == len(form.errors)
    assert all(page.with_id(target)[0] in ("input", "select", "textarea") for target in targets)
    assert 'role="alert"' in html
    assert "8 answers need your attention" in html


def test_an_error_of_the_whole_form_is_listed_without_a_link():
    form = Request({})
    form.add_error(None, "The passwords differ")
    html = rendered('{% component "error_summary" form=form %}', form=form)
    assert "<li> The passwords differ </li>" in " ".join(html.split())


def test_a_text_that_is_too_long_is_named_where_a_form_has_several():
    class Sent(forms.Form):
        name = forms.CharField(label="Name", max_length=150)
        place = forms.CharField(label="Place", max_length=40)

    told = [link["message"] for link in template_tags.error_links(Sent(data={"name": "x" * 3006, "place": "y" * 41}))]
    assert told == [
        "Name: at most 150 characters, and these are 3,006.", "Place: at most 40 characters, and these are 41.",
    ]  # fmt: skip


@pytest.mark.parametrize("form", [Request(), None])
def test_without_errors_there_is_no_summary(form):
    assert rendered('{% component "error_summary" form=form %}', form=form).strip() == ""
