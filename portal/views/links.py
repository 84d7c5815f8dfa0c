"""The way in by mail. Nothing here tells whether an address or a link is known."""

from time import monotonic, sleep

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clients import contacts, links, sessions
from portal import limits
from portal.access import actor
from portal.forms.links import LinkForm
from portal.request import Request, posted
from portal.sessions import uid_of
from portal.sign_in import sign_in

EVEN = 0.25  # seconds: longer than the work for an address that we know, so that the time tells nothing


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def ask_link(request: Request) -> HttpResponse:
    form, began = LinkForm(posted(request)), monotonic()
    if form.is_valid() and limits.is_over(request):
        form.add_error(None, _("Too many requests from your network. Try again in an hour."))
    elif form.is_valid():
        email = form.cleaned_data["email"]
        contacts.mail_fresh_link(email=email, by=actor(request), now=request.now)
        sleep(max(0, began + EVEN - monotonic()))
        return _sent(request, email=email)
    return render(request, "public/ask_link.html", {"form": form}, status=422 if form.errors else 200)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def open_link(request: Request, token: str) -> HttpResponse:
    """Only the button's POST spends the link: mail scanners follow every address with GET, often several times.

    The page of a link that does not work posts here, too: a new one goes to where the old one went, in one step. Who
    clicks the link in their mail again, or its button twice, is in already and needs none.
    """
    if request.method == "POST" and "renew" in request.POST:
        if person := links.was_for(token):
            contacts.mail_fresh_link(email=person.email, by=actor(request), now=request.now)
        return _sent(request)
    try:
        if request.method != "POST":
            links.find(token, now=request.now)
            return render(request, "public/open_link.html")
        user = links.use(token, by_address=request.address, request_id=request.id, now=request.now)
    except links.LinkNotUsable:
        if request.user.is_authenticated and not request.user.is_staff_member and links.was_for(token) == request.user:
            return redirect("home")
        return render(request, "public/link_gone.html", {"form": LinkForm()}, status=404)
    sign_in(request, user, assurance="link")
    if "others" in request.POST:
        sessions.end_all(user=user, keep=uid_of(request), by=actor(request), now=request.now)
    return redirect("staff_setup" if user.is_staff_member else "home")


def _sent(request: Request, *, email: str = "") -> HttpResponse:
    """With the limit for everybody: whether it was reached is told to nobody."""
    return render(request, "public/link_sent.html", {"email": email, "limit": contacts.LINKS_PER_HOUR})
