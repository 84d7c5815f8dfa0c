"""Sign-in by mail. The pages do not disclose whether an address or a link is known."""

from time import monotonic, sleep

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clients.access import management_links
from clients.acts.people import contacts
from clients.authentication import sessions
from clients.models import ManagementLink, Session
from portal.forms.links import LinkForm
from portal.guards.access import actor
from portal.guards.step_up import FRESH_LINK_AT
from portal.sign_in.contact_accounts import ways_in
from portal.sign_in.contacts import sign_in
from portal.web import form_rate_limits, kept_forms
from portal.web.http_request import Request, posted
from portal.web.next_page import own_page, wanted
from portal.web.sessions import uid_of

SENT = "sent"  # kind of the kept form
MIN_ANSWER_TIME_S = 0.25  # longer than the work for a known address, so that the time discloses nothing


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def ask_link(request: Request) -> HttpResponse:
    form, began, page = LinkForm(posted(request)), monotonic(), wanted(request)
    if form.is_valid() and form_rate_limits.is_over(request):
        form.add_error(None, _("Too many requests from your network. Try again in an hour."))
    elif form.is_valid():
        email = form.cleaned_data["email"]
        contacts.mail_fresh_link(email=email, target=page, by=actor(request), now=request.now)
        sleep(max(0, began + MIN_ANSWER_TIME_S - monotonic()))
        return _sent(request, email=email)
    context = {"form": form, "wanted": page, "providers": ways_in(request, page=page)}
    return render(request, "public/ask_link.html", context, status=422 if form.errors else 200)


@login_not_required
@require_safe
def link_sent(request: Request) -> HttpResponse:
    """Show the same words whether or not the address or the renewed link is known, and with the same limit."""
    typed = kept_forms.get(request, SENT, request.GET.get(SENT, "")) or {}
    context = {"email": typed.get("email", ""), "limit": contacts.LINKS_PER_HOUR}
    return render(request, "public/link_sent.html", context)


def _sent(request: Request, *, email: str) -> HttpResponse:
    name = kept_forms.keep(request, SENT, {"email": email}, seconds=600)
    return redirect(f"{resolve_url('public:link_sent')}?{SENT}={name}")


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def open_link(request: Request, token: str) -> HttpResponse:
    """Spend the link by the button's POST only: mail scanners follow every address with GET, often several times.

    The page of a link that does not work posts here, too: it mails a new link to the address of the old one, for the
    same page.
    """
    if request.method == "POST" and "renew" in request.POST:
        return _renew(request, token)
    try:
        found = management_links.find(token, now=request.now)
        needs_account = settings.CONTACTS_REQUIRE_ACCOUNT and not found.user.is_staff_member
        if request.method != "POST" or needs_account:
            return _link_page(request, found, needs_account=needs_account)
        link = management_links.use(token, by_address=request.address, request_id=request.id, now=request.now)
    except management_links.LinkNotUsable:
        if spent := _own_link(request, token):
            return redirect(_target(spent))
        return render(request, "public/link_gone.html", {"form": LinkForm()}, status=404)
    return _let_in(request, link)


def _link_page(request: Request, link: ManagementLink, *, needs_account: bool) -> HttpResponse:
    """Show the ways to open the link; at a provider it is spent once the contact comes back."""
    providers = [] if link.user.is_staff_member else ways_in(request, link=link.pk)
    context = {"providers": providers, "needs_account": needs_account}
    return render(request, "public/open_link.html", context)


def _own_link(request: Request, token: str) -> ManagementLink | None:
    """Return the link if it was mailed to the contact who is signed in: opening it again leads to its page."""
    if not request.user.is_authenticated or request.user.is_staff_member:
        return None
    link = management_links.known(token)
    return link if link and link.user == request.user else None


def _let_in(request: Request, link: ManagementLink) -> HttpResponse:
    mailed_at = management_links.mailed_at(link)
    sign_in(request, link.user, method=Session.Method.LINK)
    if mailed_at and request.now - mailed_at <= settings.FRESH_LINK:
        request.session[FRESH_LINK_AT] = request.now.timestamp()
    if "others" in request.POST:
        sessions.end_all(user=link.user, keep=uid_of(request), by=actor(request), now=request.now)
    return redirect("account:setup" if link.user.is_staff_member else _target(link))


def _target(link: ManagementLink) -> str:
    return own_page(link.target) or resolve_url("contact:clients")


def _renew(request: Request, token: str) -> HttpResponse:
    if link := management_links.known(token):
        email, target = link.user.email, own_page(link.target)
        contacts.mail_fresh_link(email=email, target=target, by=actor(request), now=request.now)
    return redirect("public:link_sent")
