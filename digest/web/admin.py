"""Who may sit at the desk: sign-in by a mailed link, sessions, and what every change there must prove."""

from __future__ import annotations

from typing import Annotated, NoReturn

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response

from digest.core.networks import network_of
from digest.core.roles import Role
from digest.core.sign_up import SIGN_IN
from digest.errors import TokenInvalid, TokenSpent
from digest.flows import sign_in as flow
from digest.store.admins import append_audit
from digest.store.engine import writing
from digest.tokens import token_hash
from digest.web.dead_links import dead_link
from digest.web.guard import crosses_sites
from digest.web.headers import DESK
from digest.web.pages import client_ip, to
from digest.web.site import Site, TheSite

router = APIRouter(prefix="/admin")

_ASK_AGAIN = ("/admin/sign-in", "Ask for a new link")


class SignInNeeded(Exception):
    """Nobody is signed in; the browser is sent to the sign-in form."""


class Admin:
    """The signed-in admin of a request: an address, a role, and the token that their forms must carry."""

    def __init__(self, address: str, role: Role, csrf: str) -> None:
        self.address = address
        self.role = role
        self.csrf = csrf

    @property
    def edits(self) -> bool:
        """Whether they may change the issue and its sending."""
        return self.role.may(Role.EDITOR)

    @property
    def owns(self) -> bool:
        """Whether they may export and erase readers, and read the tables."""
        return self.role.may(Role.OWNER)


def _cookie_name(site: Site) -> str:
    # __Host- binds the cookie to this very host; browsers take it over https only.
    return "__Host-desk" if _secure(site) else "desk"


def _secure(site: Site) -> bool:
    return site.services.settings.base_url.startswith("https:")


def _admin_of(request: Request, site: Site) -> Admin | None:
    """Return the signed-in admin, if the session runs and the address is still listed."""
    cookie = request.cookies.get(_cookie_name(site), "")
    if not cookie or len(cookie) > 200:
        return None
    services = site.services
    found = flow.session_admin(services.engine, cookie, services.settings.admins, now=site.now)
    if found is None:
        return None
    return Admin(*found, services.tokens.sign("csrf", {"session": token_hash(cookie)}))


def _signed_in(request: Request, site: TheSite) -> Admin:
    admin = _admin_of(request, site)
    if admin is None:
        raise SignInNeeded
    return admin


def _signed_in_owner(request: Request, site: TheSite) -> Admin:
    admin = _signed_in(request, site)
    if not admin.owns:
        _refuse(request, site, admin.address, f"needs an owner, is a {admin.role}")
    return admin


def _from_here(request: Request, site: TheSite) -> None:
    """Refuse a POST that another site's page sent."""
    if crosses_sites(request.headers, site.services.settings.base_url):
        _refuse(request, site, "unknown", "sent from another site")


def _proven(request: Request, site: TheSite, csrf: Annotated[str, Form(max_length=1000)] = "") -> Admin:
    """Return the admin of a POST that comes from one of their own forms; refuses and audits any other."""
    admin = _admin_of(request, site)
    actor = admin.address if admin else "unknown"
    if crosses_sites(request.headers, site.services.settings.base_url):
        _refuse(request, site, actor, "sent from another site")
    if admin is None:
        _refuse(request, site, actor, "not signed in", status=401)
    session = token_hash(request.cookies.get(_cookie_name(site), ""))
    try:
        carried = site.services.tokens.verify("csrf", csrf, now=site.now).get("session")
    except TokenInvalid:
        carried = None
    if carried != session:
        _refuse(request, site, actor, "no valid form token")
    return admin


def _proven_editor(request: Request, site: TheSite, admin: Annotated[Admin, Depends(_proven)]) -> Admin:
    """Return the admin of a POST that changes the issue or its sending."""
    if not admin.edits:
        _refuse(request, site, admin.address, f"needs an editor, is a {admin.role}")
    return admin


def _proven_owner(request: Request, site: TheSite, admin: Annotated[Admin, Depends(_proven)]) -> Admin:
    """Return the admin of a POST that changes readers."""
    if not admin.owns:
        _refuse(request, site, admin.address, f"needs an owner, is a {admin.role}")
    return admin


def _refuse(request: Request, site: Site, actor: str, why: str, *, status: int = 403, retry_after: int = 0) -> NoReturn:
    """Record a refused request, as long as there are not too many to be worth it, and raise."""
    ip = client_ip(request)
    if site.audit_limit.allows(ip, site.now):
        route = getattr(request.scope.get("route"), "path", "")
        record(site, actor, "refused", target=route, detail=why, ip=ip)
    raise HTTPException(status, headers={"Retry-After": str(retry_after)} if retry_after else None)


def record(site: Site, actor: str, action: str, *, target: str = "", detail: str = "", ip: str = "") -> None:
    """Append to the audit log."""
    with writing(site.services.engine) as session:
        append_audit(session, at=site.now, actor=actor, action=action, target=target, detail=detail, ip=ip)


SignedIn = Annotated[Admin, Depends(_signed_in)]
SignedInOwner = Annotated[Admin, Depends(_signed_in_owner)]
Anybody = Annotated[Admin, Depends(_proven)]  # who is signed in, whatever their role
Proven = Annotated[Admin, Depends(_proven_editor)]
ProvenOwner = Annotated[Admin, Depends(_proven_owner)]


@router.get("/sign-in")
def sign_in_form(request: Request, site: TheSite) -> Response:
    """Ask for the admin's address."""
    if _admin_of(request, site) is not None:
        return to("/admin/")
    return site.pages.desk("sign_in.html", admin=None, fault="")


@router.post("/sign-in", dependencies=[Depends(_from_here)])
def request_sign_in(
    request: Request,
    site: TheSite,
    address: Annotated[str, Form(max_length=1000)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Mail a sign-in link if the address is an admin's, or take a password; says nothing of whether it is one."""
    services, ip = site.services, client_ip(request)
    if wait := site.limits.wait(site.now, (SIGN_IN, network_of(ip))):
        _refuse(request, site, "unknown", "too many sign-in requests", status=429, retry_after=wait)
    if password:
        opened = flow.sign_in_by_password(services.engine, address[:254], password, now=site.now, ip=ip)
        if opened is None:
            words = "No account has this address and password. Leave the password empty, and a link comes by mail."
            return site.pages.desk("sign_in.html", status=401, admin=None, fault=words)
        return _let_in(site, opened)
    flow.request_sign_in(services.engine, address[:254], services.settings.admins, now=site.now, ip=ip)
    services.kick()
    return to("/admin/check-your-mail")


@router.get("/check-your-mail")
def check_your_mail(site: TheSite) -> Response:
    """Say what happens next."""
    way_out = ("/inbox", "Open the local inbox") if site.services.settings.outbox_dir else ("/", "Today's papers")
    return site.pages.notice(
        "Now check your mail",
        "If this is an admin's address, a mail with a sign-in link is on its way. The link works once and for an hour.",
        way_out=way_out,
    )


@router.get("/sign-in/{token}")
def sign_in_page(site: TheSite, token: str) -> Response:
    """Show the one button that signs in; link scanners press none."""
    try:
        site.services.tokens.verify("sign-in", token, now=site.now, max_age=flow.LINK_LASTS)
    except TokenInvalid as invalid:
        return dead_link(site, "sign-in", token, invalid, way_out=_ASK_AGAIN)
    return site.pages.show(
        "one_button.html",
        personal=True,
        title="Sign in to the desk",
        words=["Press the button to sign in on this computer for twelve hours."],
        button="Sign in",
        small="",
    )


@router.post("/sign-in/{token}", dependencies=[Depends(_from_here)])
def sign_in(request: Request, site: TheSite, token: str) -> Response:
    """Open a session, once for each link."""
    services = site.services
    try:
        opened = flow.sign_in(services.engine, services.tokens, token, now=site.now, ip=client_ip(request))
    except TokenInvalid as invalid:
        if not isinstance(invalid, TokenSpent):
            record(site, "unknown", "refused", target="/admin/sign-in", detail=str(invalid), ip=client_ip(request))
        return dead_link(site, "sign-in", token, invalid, way_out=_ASK_AGAIN)
    return _let_in(site, opened)


def _let_in(site: Site, opened: str) -> Response:
    answer = to("/admin/")
    answer.set_cookie(
        _cookie_name(site),
        opened,
        max_age=int(flow.SESSION_LASTS.total_seconds()),
        httponly=True,
        secure=_secure(site),
        samesite="lax",
        path="/",
    )
    return answer


@router.post("/sign-out")
def sign_out(request: Request, site: TheSite, admin: Anybody) -> Response:
    """End the session."""
    flow.sign_out(site.services.engine, request.cookies[_cookie_name(site)], now=site.now)
    answer = site.pages.notice("You are signed out", f"Good-bye, {admin.address}.")
    answer.headers.update(DESK)
    answer.delete_cookie(_cookie_name(site), path="/", secure=_secure(site), httponly=True, samesite="lax")
    return answer
