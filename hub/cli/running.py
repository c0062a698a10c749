"""`hub run` and `hub reload`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from hub.cli import BROKEN_PLUGIN, NO, REFUSED
from hub.cli.options import config_option, data_folder, data_option

ROLES = ("gateway", "engine", "delivery")


@click.command()
@config_option
@data_option
@click.option("--listen", metavar="HOST:PORT", help="Where to listen, instead of what the file says.")
@click.option(
    "--role",
    "roles",
    metavar="ROLE,…",
    default=",".join(ROLES),
    help="Only some of gateway, engine, delivery; all by default.",
)
def run(config: Path, data: Path | None, listen: str | None, roles: str) -> None:
    """Runs the hub.

    SIGTERM and SIGINT end it when what is in flight is finished; SIGHUP applies a changed configuration,
    whole or not at all.
    """
    wanted = [role.strip() for role in roles.split(",") if role.strip()]
    for role in wanted:
        if role not in ROLES:
            raise click.UsageError(f"'{role}' is no role; there are {', '.join(ROLES)}")
    if not wanted:
        raise click.UsageError(f"name a role; there are {', '.join(ROLES)}")
    overrides = {"listen": listen, "data_dir": str(data) if data else None}
    # Imported only here: nothing but this command needs the daemon.
    from hub.daemon import run as run_daemon

    given = {name: value for name, value in overrides.items() if value}
    code = run_daemon(config, roles=wanted, overrides=given)
    if code:
        sys.exit(code)


@click.command()
@config_option
@data_option
def reload(config: Path, data: Path | None) -> None:
    """Applies the changed configuration to the running hub.

    All of it is applied, or nothing: where it has faults they are named, and the old one stays.
    """
    from hub.cli import calling

    folder = data_folder(config, data)
    try:
        calling.call(folder, "POST", "/api/reload")
    except calling.NotRunning as fault:
        click.echo(fault.reason, err=True)
        sys.exit(NO)
    except calling.Refusal as refused:
        answer = refused.answer if isinstance(refused.answer, dict) else {}
        for said in answer.get("faults") or [refused.reason]:
            click.echo(said, err=True)
        sys.exit(BROKEN_PLUGIN if answer.get("plugin_broken") else REFUSED)
    print("applied")
