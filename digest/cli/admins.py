"""Commands about who may sit at the desk: `digest admin`."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.context import actor, with_database
from digest.core.roles import Role
from digest.errors import NotFound

Address = Annotated[str, typer.Argument(metavar="EMAIL", help="The admin's address.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the application."""
    admin = typer.Typer(help="Who may sit at the admin's desk.", no_args_is_help=True)
    admin.command("create")(create)
    admin.command("list")(list_accounts)
    admin.command("remove")(remove)
    admin.command("password")(password)
    admin.command("link")(link)
    app.add_typer(admin, name="admin")


def create(
    address: Address,
    role: Annotated[Role, typer.Option(help="What they may do: look, edit the issue, or everything.")] = Role.EDITOR,
) -> None:
    """Let an address sign in as a viewer, editor or owner; an account that exists gets the role."""
    from digest.flows.admins import appoint
    from digest.flows.subscribe import readable_address

    services = with_database()
    checked = readable_address(address, special_use=services.settings.allow_test_addresses)
    appoint(services.engine, checked, role, actor=actor(), now=services.clock())
    typer.echo(f"{checked} may sign in at {services.settings.base_url}/admin/ as {role}")


def list_accounts() -> None:
    """List who may sign in, and as what."""
    from digest.flows.admins import listed

    services = with_database()
    for owner in services.settings.admins:
        typer.echo(f"{owner}  {Role.OWNER}  (DIGEST_ADMINS)")
    for account in listed(services.engine):
        proof = "link or password" if account.password_hash else "link"
        typer.echo(
            f"{account.address}  {account.role}  ({proof}; by {account.created_by}, {account.created_at:%Y-%m-%d})"
        )


def remove(address: Address) -> None:
    """Take an account away and end its sessions."""
    from digest.flows.admins import dismiss

    services = with_database()
    dismiss(services.engine, address, actor=actor(), now=services.clock())
    typer.echo(f"{address} cannot sign in any more")


def password(
    address: Address,
    none: Annotated[bool, typer.Option("--none", help="Take the password away; mailed links go on working.")] = False,
) -> None:
    """Give an account a password, which is asked for twice and not shown."""
    from digest.flows.admins import set_password

    services = with_database()
    chosen = "" if none else typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    set_password(services.engine, address, chosen, actor=actor(), now=services.clock())
    typer.echo(f"{address}: password {'removed' if none else 'set'}")


def link(address: Address) -> None:
    """Print a one-time sign-in link for an admin."""
    from digest.flows.admins import role_of
    from digest.flows.sign_in import shown_sign_in_token
    from digest.store.engine import reading

    services = with_database()
    tokens = services.tokens
    with reading(services.engine) as session:
        role = role_of(session, address, services.settings.admins)
    if role is None:
        raise NotFound(f"{address} is neither in DIGEST_ADMINS nor has an account; see digest admin create")
    token = shown_sign_in_token(services.engine, tokens, address, now=services.clock())
    typer.echo(f"{services.settings.base_url}/admin/sign-in/{token}")
