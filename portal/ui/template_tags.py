"""Tags and filters of every template (builtin: no `{% load %}`). docs/components.md shows their use."""

import re
from collections.abc import Iterable

from django import forms
from django.forms import BoundField
from django.template import Context, Engine, Library
from django.utils import formats
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from foundation import email_addresses
from foundation.invisible_characters import is_visible
from foundation.secret_format import without_secrets
from portal.ui.staff_names import as_contacts_see

register = Library()

NO_BREAK = "\u00a0\u202f"  # the blanks before ? and : in French are harmless
# A request's number, and the end of a secret as labels have it
ON_ONE_LINE = re.compile(r"(\bR-\d{4}-\d{4,9}\b|…[\w-]{4}(?![\w-]))")
# Comments and strings of the languages in our samples; `//` counts only after a space, to spare addresses.
CODE_PARTS = re.compile(r"""(?P<c>(?:(?<=\s)|^)(?:\#|//)[^\n]*)|(?P<s>"[^"\n]*"|'[^'\n]*')""", re.MULTILINE)


# --- Components -----------------------------------------------------------------------------------------------------
@register.simple_tag(takes_context=True)
def component(context: Context, name: str, /, **values: object) -> SafeString:
    """Render a component of templates/components/, which sees `values` and nothing else of the page."""
    inner = context.new(values)
    inner["csrf_token"] = context.get("csrf_token")
    engine = Engine.get_default() if context.template is None else context.template.engine
    return engine.get_template(f"components/{name}.html").render(inner)


@register.simple_block_tag(takes_context=True)
def wrap(context: Context, content: SafeString, name: str, /, **values: object) -> SafeString:
    """Render a component around a piece of the page, passed to it as `content`."""
    return component(context, name, content=content, **values)


@register.simple_block_tag
def capture(content: SafeString) -> SafeString:
    """Capture a piece of the page as a value for a component: `{% capture as foot %}...{% endcapture %}`."""
    return content


@register.simple_tag
def listof(*values: object) -> tuple[object, ...]:
    """Return the values as a list: `{% listof _("Client") _("Scopes") as columns %}`."""
    return values


@register.simple_tag(takes_context=True)
def breadcrumb(context: Context, *labels_and_urls: str) -> SafeString:
    """Render a breadcrumb: `{% breadcrumb label url label url ... current_label as crumbs %}`."""
    *parents, current = labels_and_urls
    links = [{"label": label, "url": url} for label, url in zip(parents[::2], parents[1::2], strict=True)]
    return component(context, "breadcrumb", links=links, current=current)


# --- Forms ----------------------------------------------------------------------------------------------------------
@register.simple_tag(takes_context=True)
def field(context: Context, field: BoundField, /, **options: object) -> SafeString:
    """Render a form field: label or legend, hint, error, control. Options: docs/components.md."""
    kind = _kind(field.field.widget)
    values: dict[str, object] = {"field": field, "kind": kind, "optional": not field.field.required, **options}
    if kind in ("radios", "checkboxes"):
        values["choices"] = _choices(field)
    else:
        values["control"] = _control(field, kind, width=options.get("width"), describedby=options.get("describedby"))
    return component(context, "field", **values)


@register.filter
def error_links(form: forms.Form) -> list[dict[str, str]]:
    """List the errors of a form, each with the id of its control ("" for the whole form)."""
    links = [{"id": "", "message": message} for message in map(str, form.non_field_errors())]
    for bound in form:
        target = "" if bound.is_hidden else f"{bound.auto_id}_0" if bound.use_fieldset else bound.id_for_label
        links += [{"id": target, "message": message} for message in error_messages(bound)]
    return links


@register.filter
def error_messages(field: BoundField) -> list[str]:
    """Return a field's errors. Django's, on what is missing or too long, name the field, for the error summary."""
    missing = {
        "checkbox": _("Tick “%(label)s”"),
        "file-upload": _("Choose a file: %(label)s"),
        "select": _("Choose an answer: %(label)s"),
        "radios": _("Choose an answer: %(label)s"),
        "checkboxes": _("Choose an answer: %(label)s"),
    }
    plain = str(forms.Field.default_error_messages["required"])
    named = missing.get(_kind(field.field.widget), _("Fill in: %(label)s")) % {"label": field.label}
    told = []
    for error in field.errors.as_data():
        message, params = error.messages[0], error.params or {}
        if error.code == "max_length" and "limit_value" in params:
            limit, count = number(params["limit_value"]), number(params["show_value"])
            facts = {"label": field.label, "limit": limit, "count": count}
            message = _("%(label)s: at most %(limit)s characters, and these are %(count)s.") % facts
        told.append(named if message == plain else message)
    return told


def _kind(widget: forms.Widget) -> str:
    kinds: list[tuple[type[forms.Widget], str]] = [
        (forms.HiddenInput, "hidden"),
        (forms.CheckboxSelectMultiple, "checkboxes"),
        (forms.RadioSelect, "radios"),
        (forms.CheckboxInput, "checkbox"),
        (forms.Select, "select"),
        (forms.Textarea, "textarea"),
        (forms.FileInput, "file-upload"),
    ]
    return next((kind for cls, kind in kinds if isinstance(widget, cls)), "input")


def _control(field: BoundField, kind: str, *, width: object, describedby: object) -> SafeString:
    """Render the widget with the classes of govuk-frontend; Django adds aria-describedby and aria-invalid."""
    widget = field.field.widget
    block = "checkboxes__input" if kind == "checkbox" else kind
    classes = [f"govuk-{block}", widget.attrs.get("class", "")]
    if field.errors and kind != "checkbox":
        classes.append(f"govuk-{kind}--error")
    if width:
        classes.append(f"govuk-input--width-{width}")
    if widget.attrs.get("autocomplete") == "one-time-code":
        classes.append("kd-input--code")
    attrs: dict[str, str | bool] = {"class": " ".join(filter(None, classes))}
    if describedby:
        attrs["aria-describedby"] = f"{field.aria_describedby or ''} {describedby}".strip()
    return field.as_widget(attrs=attrs)


def _choices(field: BoundField) -> list[dict[str, object]]:
    """List the options of radios and checkboxes; the form may have `hints` and `disabled_choices` by field name."""
    hints = getattr(field.form, "hints", {}).get(field.name, {})
    disabled = getattr(field.form, "disabled_choices", {}).get(field.name, ())
    return [
        {
            "id": option.id_for_label,
            "name": option.data["name"],
            "value": str(option.data["value"]),
            "label": option.choice_label,
            "checked": option.data["selected"],
            "hint": hints.get(str(option.data["value"]), ""),
            "disabled": field.field.disabled or str(option.data["value"]) in disabled,
        }
        for option in field.subwidgets
    ]


@register.filter
def number(value: float) -> str:
    """Format a count as 18,234 in the reader's language; not for ids."""
    return formats.number_format(value, use_l10n=True, force_grouping=True)


register.filter(as_contacts_see)
register.filter(without_secrets)


@register.filter
def visible(value: object) -> str:
    r"""Show control, bidi and other invisible characters in a text as escapes (\\u202e)."""
    return "".join(
        char if is_visible(char) or char in NO_BREAK else char.encode("unicode_escape").decode() for char in str(value)
    )


@register.filter
def breakable(value: object) -> SafeString:
    """Let a mail address, a path or a code break between its parts: some tables have no room for a whole one."""
    return _broken(re.split(r"(?<=[@.,/_])(?=[\w{])", visible(value)))


@register.filter
def scope_names(value: object) -> SafeString:
    """Let scope names break after a dot only, so that `meter.readings.write` ends no line within a word."""
    return format_html_join(" ", '<span class="kd-scope">{}</span>', ((_dotted(name),) for name in str(value).split()))


def _dotted(name: str) -> SafeString:
    return _broken(re.split(r"(?<=\.)", visible(name)))


def _broken(parts: Iterable[str]) -> SafeString:
    """Join parts of a text so that a line may end between them."""
    return format_html_join(SafeString("<wbr>"), "{}", ((part,) for part in parts))


@register.filter
def unbroken(text: object) -> object:
    """Keep "R-2026-0412" and "…x7Qd" in a text on one line: browsers would end it after a hyphen or the dots."""
    if hasattr(text, "__html__"):
        return text
    parts = enumerate(ON_ONE_LINE.split(str(text)))
    return format_html_join("", "{}", ((_on_one_line(part) if place % 2 else part,) for place, part in parts))


def _on_one_line(part: str) -> SafeString:
    return format_html('<span class="kd-nowrap">{}</span>', part)


@register.filter
def address(value: str) -> SafeString:
    """Show a mail address in letters, with the `xn--` form of its domain where that differs; as `breakable`."""
    return breakable(email_addresses.in_full(value))


@register.filter
def tel(phone: str) -> str:
    """Return the address of a telephone number for a link (RFC 3966)."""
    return f"tel:{phone.replace(' ', '')}"


@register.filter
def marked(value: object, other: object) -> SafeString:
    """Mark the part of `value` that differs from `other`: what was sent against what is expected."""
    text, against = visible(value), visible(other or "")
    start = next(
        (i for i, (a, b) in enumerate(zip(text, against, strict=False)) if a != b), min(len(text), len(against))
    )
    rest = min(len(text), len(against)) - start
    tail = next((i for i in range(rest) if text[-1 - i] != against[-1 - i]), rest)
    end = len(text) - tail
    # Marking nearly all of the text says nothing, so two unrelated values are shown plain.
    if not against or start == end or (start < 4 and tail < 4):
        return format_html("{}", text)
    return format_html("{}<mark>{}</mark>{}", text[:start], text[start:end], text[end:])


@register.filter
def highlight(code: str) -> SafeString:
    """Colour the comments and strings of a sample; its text is escaped and otherwise unchanged."""
    pieces, end = [], 0
    for part in CODE_PARTS.finditer(code):
        pieces += [("", code[end : part.start()]), (part.lastgroup, part.group())]
        end = part.end()
    pieces.append(("", code[end:]))
    return format_html_join("", "{}", ((_coloured(kind, text),) for kind, text in pieces))


def _coloured(kind: str | None, text: str) -> SafeString:
    return format_html('<span class="{}">{}</span>', kind, text) if kind else format_html("{}", text)
