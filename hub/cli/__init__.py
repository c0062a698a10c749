"""The commands. Each is imported when it is called, and imports what it needs when it runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any, NoReturn

import click

from hub.errors import ConfigRefused, HubError, PluginBroken, StoreUnavailable

FINE, NO, REFUSED, BROKEN_PLUGIN, NO_STORE = range(5)
"""What the exit codes say."""


class Commands(click.Group):
    """A group that imports a command when it is called: `name → (module, function, what it does)`."""

    def __init__(self, *, table: Mapping[str, tuple[str, str]], **more: Any) -> None:
        super().__init__(**more)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._table:
            return None
        module, name = self._table[cmd_name]
        command: click.Command = getattr(import_module(f"hub.cli.{module}"), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            done = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # Whoever read us (`| head`) has enough.
            _leave_stdout()
            ctx.exit(FINE)
        return done

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self._table and not args[0].startswith("-"):
            raise click.UsageError(self._unknown(args[0], ctx), ctx)
        return super().resolve_command(ctx, args)

    def _unknown(self, name: str, ctx: click.Context) -> str:
        from difflib import get_close_matches

        near = get_close_matches(name, list(self._table), 1)
        hint = f"did you mean '{near[0]}'?" if near else f"`{ctx.command_path} --help` lists them"
        return f"'{name}' is no command; {hint}"


TABLE = {
    "run": ("running", "run"),
    "demo": ("demo", "demo"),
    "check": ("checking", "check"),
    "send": ("sending", "send"),
    "tail": ("watching", "tail"),
    "person": ("people", "person"),
    "why": ("asking", "why"),
    "render": ("rendering", "render"),
    "preview": ("previewing", "preview"),
    "try": ("trying", "try_"),
    "dead": ("dead_letters", "dead"),
    "export": ("exporting", "export"),
    "audit": ("ledgers", "audit"),
    "connectors": ("connectors", "connectors"),
    "reload": ("running", "reload"),
}


@click.group(cls=Commands, table=TABLE, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="eventhub-esp", prog_name="hub", message="%(prog)s %(version)s")
def root() -> None:
    """Turns what people do into the right message, at the right second, without losing one."""


def main() -> NoReturn:
    """What the console script calls: errors become a line on stderr and an exit code."""
    _open_closed()
    try:
        sys.exit(root.main(standalone_mode=False) or FINE)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as fault:
        fault.show()
        sys.exit(fault.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except HubError as fault:
        click.echo(str(fault), err=True)
        sys.exit(_exit_code(fault))
    except OSError as fault:
        # A full disk behind `>`, a folder that may not be written to: nothing that a traceback explains.
        click.echo(f"{fault.filename or 'the output'}: {fault.strerror or fault}", err=True)
        _leave_stdout()
        sys.exit(REFUSED)


def _open_closed() -> None:
    """Opens what the shell has closed (`>&-`), or the next file or socket would be taken for it."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def _leave_stdout() -> None:
    """Nobody reads or keeps what is still to be written; Python must not complain of it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _exit_code(fault: HubError) -> int:
    if isinstance(fault, PluginBroken):
        return BROKEN_PLUGIN
    if isinstance(fault, StoreUnavailable):
        return NO_STORE
    if isinstance(fault, ConfigRefused):
        return REFUSED
    return REFUSED
