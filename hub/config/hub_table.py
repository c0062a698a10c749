"""The [hub] table: what concerns the hub itself; the environment and the command line may override it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, get_origin
from urllib.parse import urlsplit

from pydantic import AfterValidator

from hub.config.model import HubTable
from hub.config.options import read_options
from hub.config.reading import Reading
from hub.config.sizes import Size
from hub.option import Duration, Option, Settings

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]", "": "127.0.0.1"}
_PATHS = ("data_dir",)


def _listen(text: str) -> str:
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError("must be HOST:PORT, as 127.0.0.1:8080")
    if ":" in host and not bracketed:
        raise ValueError("an IPv6 host stands in brackets: [::1]:8080")
    return text


def web_address(text: str) -> str:
    """An http or https address, without the slash at its end."""
    try:
        parts = urlsplit(text)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or any(letter.isspace() for letter in text):
        raise ValueError("must be a web address: https://host or https://host/path")
    if parts.query or parts.fragment or parts.username is not None or parts.password is not None:
        raise ValueError("must be scheme, host and perhaps a path: no user, password, ? or #")
    return text.rstrip("/")


def _network(text: str) -> str:
    try:
        ip_network(text)
    except ValueError:
        raise ValueError("must be an address or a network: 10.1.2.3, 10.1.0.0/16 or fd00::/8") from None
    return text


Listen = Annotated[str, AfterValidator(_listen)]
WebAddress = Annotated[str, AfterValidator(web_address)]
NetworkText = Annotated[str, AfterValidator(_network)]


class HubOptions(Settings):
    """What concerns the hub itself."""

    listen: Listen = Option("Where it listens, HOST:PORT.", default="127.0.0.1:8080")
    data_dir: str = Option("The folder of everything that is kept.", default="data", min_length=1)
    public_url: WebAddress | None = Option(
        "Where senders and people reach the hub; by default made from `listen`.", default=None
    )
    include: list[str] = Option("More files, relative to this one; globs.", default=[])
    plugins: list[str] = Option("Folders that hold connectors, besides installed packages.", default=[])
    allow_private: list[NetworkText] = Option("Addresses inside that sinks may call.", default=[])
    trusted_proxies: list[NetworkText] = Option(
        "Proxies whose X-Forwarded-For tells a sender's address.", default=[]
    )
    free_space: Size = Option(
        "Free disk below which nothing more is accepted (5 % of the disk, where that is less).",
        default="512MB",
        validate_default=True,
        ge=0,
    )
    per_address: int = Option("Connections that one address may hold.", default=1024, ge=1)
    drain: Duration = Option(
        "How long an orderly stop may take.",
        default="10s",
        validate_default=True,
        gt=timedelta(0),
    )
    log: Literal["auto", "json", "text"] = Option(
        "The form of log lines; auto is text on a terminal and JSON elsewhere.", default="auto"
    )


def overridden(
    table: Mapping[str, Any], environ: Mapping[str, str], overrides: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, tuple[str, str]]]:
    """[hub] as it is in force, and for each overridden option where it comes from and its name there."""
    from_environ = _from_environment(environ)
    elsewhere = {name: ("environment", f"HUB_{name.upper()}") for name in from_environ}
    elsewhere |= {name: ("command line", name) for name in overrides}
    said = {**from_environ, **overrides}
    # The file's own paths start from its folder; what is typed in a shell starts where one stands.
    for name in _PATHS:
        if said.get(name):
            said[name] = str(Path(said[name]).absolute())
    return {**table, **said}, elsewhere


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    names = [name for name in HubOptions.model_fields if f"HUB_{name.upper()}" in environ]
    if not names:
        return {}
    # Imported only here: it costs a tenth of a second, and most starts have no such variable.
    from pydantic import create_model
    from pydantic_settings import BaseSettings, EnvSettingsSource

    fields: dict[str, Any] = dict.fromkeys(names, (str | None, None))
    source = EnvSettingsSource(
        create_model("Environment", __base__=BaseSettings, **fields), env_prefix="HUB_"
    )
    source.env_vars = {name.lower(): value for name, value in environ.items()}
    return {name: _split(name, text) for name, text in source().items()}


def _split(name: str, text: str) -> Any:
    if get_origin(HubOptions.model_fields[name].annotation) is list:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def read_hub(reading: Reading, folders: tuple[Path, ...]) -> HubTable | None:
    """The [hub] table; None where it has faults."""
    options = read_options(HubOptions, reading.table("hub"), ("hub",), reading)
    if options is None:
        return None
    return HubTable(
        listen=options.listen,
        data_dir=reading.base / options.data_dir,
        public_url=options.public_url or _reached_at(options.listen),
        include=tuple(options.include),
        plugins=folders,
        allow_private=tuple(map(ip_network, options.allow_private)),
        trusted_proxies=tuple(map(ip_network, options.trusted_proxies)),
        free_space=options.free_space,
        per_address=options.per_address,
        drain=options.drain,
        log=options.log,
    )


def _reached_at(listen: str) -> str:
    host, _, port = listen.rpartition(":")
    return f"http://{_EVERYWHERE.get(host, host)}:{port}"


def plugin_folders(reading: Reading) -> tuple[Path, ...]:
    """The folders of connectors; read apart, so that another fault of [hub] does not hide connectors."""
    table = reading.tables.get("hub", {})
    names = table.get("plugins", []) if isinstance(table, dict) else []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return ()  # the table's own options say so
    folders = []
    for number, name in enumerate(names):
        if (reading.base / name).is_dir():
            folders.append(reading.base / name)
        else:
            reading.fault(("hub", "plugins", number), f"there is no folder '{name}'")
    return tuple(folders)
