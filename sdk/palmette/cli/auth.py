"""`palmette auth`: who you are, and tokens for others."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from palmette.cli.connecting import suite
from palmette.cli.output import Json, err, show
from palmette.types import Identity, Role

app = typer.Typer(help="Who you are, and tokens for others.", no_args_is_help=True)


@app.command()
def whoami(json: Json = False) -> None:
    """Show who the gateway takes you for."""
    with suite() as client:
        identity = client.identity()
    show(identity, json, lambda: escape(_who(identity)))


def _who(identity: Identity) -> str:
    until = f", until {identity.expire_time:%Y-%m-%d %H:%M} UTC" if identity.expire_time else ""
    return f"{identity.subject} ({identity.role}){until}"


@app.command("login-link")
def login_link(json: Json = False) -> None:
    """Print a link that logs you in to the dashboard. It holds your token: show it to nobody."""
    with suite() as client:
        identity = client.identity()
        link = client.endpoint.login_url
    if not json:
        err.print(f"[dim]logs in as {escape(_who(identity))}[/]", soft_wrap=True)
    show({"url": link, "expire_time": identity.expire_time}, json, lambda: escape(link))


@app.command()
def token(
    subject: Annotated[str, typer.Argument(help="Who it is for, such as alice or ci.")],
    role: Annotated[Role, typer.Option(help="What it allows.")] = Role.VIEWER,
    days: Annotated[float, typer.Option(min=0.001, max=366, help="How long it is valid.")] = 30,
    json: Json = False,
) -> None:
    """Issue a token (admins only). It is shown only once."""
    with suite() as client:
        issued = client.issue_token(subject, role, days=days)
    if not json and issued.expire_time:
        err.print(f"[dim]for {subject} ({role}), until {issued.expire_time:%Y-%m-%d %H:%M} UTC[/]")
    show({"token": issued.token, "expire_time": issued.expire_time}, json, lambda: issued.token)
