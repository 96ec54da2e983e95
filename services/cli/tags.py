"""`gengfu tag`: keys of signed tags, and what an address of one proves."""

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from gateway.contract.tags import canonical
from services.cli.wiring import configs_of, open_database
from services.kernel import audit
from services.kernel.clock import SystemClock
from services.kernel.errors import Invalid, NotFound
from services.kernel.settings import Settings
from services.patrol.sun import claims as sun_claims
from services.patrol.sun import keys as sun_keys
from services.patrol.sun.signature import KeySet, Reason, SunRefused

app = typer.Typer(no_args_is_help=True, help="Signed tags (NTAG 424 DNA): keys and addresses. See docs/patrol/sun.md.")
keys = typer.Typer(no_args_is_help=True, help="Key sets, encrypted in the database; never shown again.")
app.add_typer(keys, name="keys")
out = Console(highlight=False)
_ACTOR = "local-admin"

SiteOption = Annotated[str, typer.Option("--site", help="Site id; may be left out when there is only one.")]


@keys.command("add")
def add(
    name: Annotated[str, typer.Argument(help="Name of the key set, as `keys:` of the tags says.")],
    site: SiteOption = "",
    diversify: Annotated[
        bool, typer.Option("--diversify", help="The second key is a master key: every tag has its own (AN10922).")
    ] = False,
    system: Annotated[
        str, typer.Option("--system", help="What follows the UID in the diversification input, in hex.")
    ] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Put these in the place of keys of that name.")] = False,
) -> None:
    """Store the two keys of a batch of tags: asked for, or two lines of hex on standard input."""
    settings = Settings()
    site = _site(settings, site)
    key_set = _key_set(*_ask(), diversify, system)
    now = SystemClock().now()
    with open_database(settings) as db, db.begin() as session:
        secret = sun_keys.installation_secret(settings)
        sun_keys.put(session, secret, site, name, key_set, now, replace=replace)
        audit.record(session, now, _ACTOR, "sun_keys.add", f"{site}/{name}", replaced=replace, diversify=diversify)
    out.print(f"{escape(site)}/{escape(name)}")
    out.print(f"[dim]Back up {escape(str(settings.secret_key_path))}: the keys cannot be read without it.[/]")


@keys.command("list")
def show(site: SiteOption = "") -> None:
    """Names of the key sets; the keys themselves are never shown."""
    settings = Settings()
    wanted = [_site(settings, site)] if site else sorted(configs_of(settings).sites)
    with open_database(settings) as db, db.read() as session:
        for one in wanted:
            for name, created_at in sun_keys.names(session, one):
                out.print(f"{escape(one)}/{escape(name)}  {created_at:%Y-%m-%d %H:%M} UTC")


@app.command("verify")
def verify(url: Annotated[str, typer.Argument(help="The address a tag gave; quote it.")]) -> None:
    """Say what an address proves, without using it up."""
    settings = Settings()
    worst: SunRefused | None = None
    with open_database(settings) as db, db.read() as session:
        secret = sun_keys.installation_secret(settings)
        for config in configs_of(settings).sites.values():
            try:
                read = sun_claims.verified(session, config, secret, url)
            except SunRefused as refused:
                worst = refused if worst is None or worst.reason == Reason.UNKNOWN_TAG else worst
                continue
            out.print(f"[green]✓[/] {read.uid}  {escape(config.site.id)}  read {read.counter}")
            if read.file_data is not None:
                out.print(f"  data {read.file_data.hex().upper()}")
            return
    raise worst or NotFound("No site is declared", hint="Declare one under device_configs/sites")


@app.command("reset")
def reset(
    uid: Annotated[str, typer.Argument(help="UID of a tag that was given new keys.")],
) -> None:
    """Let a tag count from zero again, after it was given new keys: with its old ones old addresses would count too."""
    known = canonical(uid)
    now = SystemClock().now()
    with open_database(Settings()) as db, db.begin() as session:
        dropped = sun_claims.forget(session, known)
        if not dropped:
            raise NotFound(f"No read of tag {known} is on record", hint="Give its UID as 14 hexadecimal digits")
        audit.record(session, now, _ACTOR, "sun_tag.reset", known, reads=dropped)
    out.print(f"{known}  {dropped}")


def _site(settings: Settings, wanted: str) -> str:
    sites = sorted(configs_of(settings).sites)
    if wanted in sites:
        return wanted
    if not wanted and len(sites) == 1:
        return sites[0]
    raise Invalid(f"There is no site {wanted!r}" if wanted else "Which site?", hint=f"--site {' | '.join(sites)}")


def _ask() -> tuple[str, str]:
    """Both keys as typed: never an argument, which would stay in the shell's history and in the process list."""
    if sys.stdin.isatty():
        meta = typer.prompt("Key that opens UID and counter (K_SDMMetaRead), 32 hex digits", hide_input=True)
        return meta, typer.prompt("Key that signs (K_SDMFileRead), 32 hex digits", hide_input=True)
    lines = [line.strip() for line in sys.stdin.read().splitlines() if line.strip()]
    if len(lines) != 2:
        raise Invalid(f"{len(lines)} lines instead of two", hint="First K_SDMMetaRead, then K_SDMFileRead, in hex")
    return lines[0], lines[1]


def _key_set(meta: str, file: str, diversify: bool, system: str) -> KeySet:
    try:
        return KeySet(bytes.fromhex(meta), bytes.fromhex(file), diversify, bytes.fromhex(system))
    except ValueError:
        # Without its cause: the text of the keys is nobody's business.
        raise Invalid(
            "That is no pair of keys", hint="Each has 32 hexadecimal digits; --system has at most 48"
        ) from None
