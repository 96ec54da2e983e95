"""`gengfu account`: passwords and tokens from the server's own terminal."""

from typing import Annotated

import typer
from rich.console import Console

from services.cli.wiring import configs_of, open_database, seed_accounts
from services.kernel.clock import SystemClock
from services.kernel.settings import Settings
from services.people import service as people
from services.people.roles import Actor, Role

app = typer.Typer(no_args_is_help=True, help="Accounts: passwords from the server's own terminal.")
out = Console(highlight=False)
_LOCAL = Actor(username="local-admin", role=Role.ADMIN, display_name="local")


@app.command("password")
def password(
    username: Annotated[str, typer.Argument(help="Account of the site files, e.g. duty.")],
) -> None:
    """Give an account a new random password, to be changed at the first sign-in."""
    settings = Settings()
    db = open_database(settings)
    seed_accounts(db, configs_of(settings))
    fresh = people.random_password()
    with db.begin() as session:
        people.set_password(session, _LOCAL, username, fresh, SystemClock().now())
    out.print(f"{username}  {fresh}")
