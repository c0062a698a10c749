"""What every connector is examined for, whatever its kind; subclassed by the suites for each kind.

    from hub.testing import SinkConformance

    class TestKlaviyo(SinkConformance):
        connector = Klaviyo
        settings = {"api_key": "pk_test"}
        contract = "klaviyo/klaviyo-2026-07-15.json"

The class stands in a test file; pytest runs its checks. `pytest --hub-write` writes the golden files in the
folder `golden` beside that file, `pytest --hub-grades=write` keeps the result beside the connector's code.
A check that is not for this connector is exempted with a written reason:

        exempt = {"delivery_id_travels": "Twilio has no field for it"}
"""

from __future__ import annotations

import contextlib
import inspect
import io
import logging
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ValidationError

from hub import config
from hub.config.words import alternatives
from hub.connector import ConnectorType, HttpSink, Sink, kind
from hub.errors import ConfigRefused, PluginBroken
from hub.option import Secret
from hub.plugins.examine import SNAKE_CASE
from hub.plugins.grades import home, place
from hub.plugins.sheets import example
from hub.testing.checking import check, left_open, refuse, told
from hub.testing.golden import compared
from hub.testing.house_of_one import HouseOfOne, loaded_anew

_CREDENTIAL = re.compile(
    r"(^|_)(secret|password|passphrase|token|credentials?|(api|auth|access|private|signing|server)_?key)s?$"
)
_SITE = (
    '[hub]\nlisten = "127.0.0.1:8080"\n\n[sources.site]\nconnector = "segment"\npublic_keys = ["pk_shop"]\n'
)


class Conformance:
    """What every connector is examined for; authors subclass the suite for its kind."""

    connector: ClassVar[Any]
    """The class of the connector."""
    settings: ClassVar[Mapping[str, Any]] = {}
    """Options that it works with; secrets as texts, made up for the test and at least six characters long."""
    exempt: ClassVar[Mapping[str, str]] = {}
    """Check → why it is not for this connector."""
    page: ClassVar[str] = ""
    """The page that tells people how to use it, seen from a folder above the test; by default
    `docs/how_to/NAME.md`."""

    # What authors may override

    def options(self, folder: Path) -> dict[str, Any]:
        """The options, where they need a folder of their own: `settings` by default."""
        return dict(self.settings)

    # What the checks use

    @property
    def folder(self) -> Path:
        """A folder for this check alone."""
        made: Path | None = getattr(self, "_folder", None)
        if made is None:
            made = self._folder = Path(tempfile.mkdtemp(prefix="hub-check-"))
        return made

    def teardown_method(self) -> None:
        """Removes the check's folder."""
        made: Path | None = getattr(self, "_folder", None)
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)

    def made(self, **changed: Any) -> Any:
        """The connector, with its settings and these."""
        kept = self.connector
        return kept(kept.Settings(**{**self.options(self.folder), **changed}), f"my_{kept.name}")

    @classmethod
    def golden(cls) -> Path:
        """The folder of its golden files."""
        name = f"{cls.connector.name}_{kind(cls.connector)}"
        return Path(inspect.getfile(cls)).resolve().parent / "golden" / name

    def secrets(self) -> set[str]:
        """The secrets of its settings, as texts."""
        return set(_secrets(self.made().settings))

    def leaks(self, text: str) -> list[str]:
        """The secrets that stand in a text, each told by its first letters only."""
        return [f"the secret {secret[:3]}…" for secret in self.secrets() if secret and secret in text]

    # The checks

    @check("bronze")
    def test_exemptions_are_reasoned(self) -> None:
        """Each exemption names a check and says why, in words."""
        from hub.testing.checking import checks

        known = checks(type(self))
        for name, why in self.exempt.items():
            if name.partition(":")[0] not in known:
                refuse([f"exempt: there is no check '{name}'; there are: {', '.join(known)}"])
            if len(str(why).split()) < 3:
                refuse([f"exempt: '{name}' needs a reason in words"])

    @check("bronze")
    def test_name_and_summary(self) -> None:
        """The name is in snake_case, and the docstring begins with a summary that people can read."""
        name, summary = self.connector.name, _summary(self.connector)
        faults = [] if SNAKE_CASE.fullmatch(name) else [f"the name {name!r} is not in snake_case"]
        if not summary or len(summary) > 110:
            faults.append("the docstring's first line is the summary: one sentence of at most 110 characters")
        refuse(faults)

    @check("bronze")
    def test_import_does_no_io(self) -> None:
        """The hub can load it: its import does nothing but define things, and its hooks are in order."""
        try:
            brought = loaded_anew(self.connector)
        except PluginBroken as fault:
            refuse([fault.reason])
            return
        kinds = [kind(one) for one in brought]
        if kind(self.connector) not in kinds:
            refuse([f"{home(self.connector)} does not bring this {kind(self.connector)} in its connectors()"])

    @check("bronze")
    def test_docs_page(self) -> None:
        """There is a page for people, with a block that configures it."""
        page = self._page()
        if page is None:
            refuse([f"there is no {self._page_name()} in a folder above the test; `page` names another"])
            return
        text = page.read_text(encoding="utf-8")
        if not re.search(rf'connector\s*=\s*"{re.escape(self.connector.name)}"', text):
            refuse([f'{page.name} shows no block with connector = "{self.connector.name}"'])

    @check("bronze")
    def test_example_passes_check(self) -> None:
        """Its example block passes `hub check`."""
        file = self.folder / "plugins.toml"
        shown = example(self.connector)
        file.write_text(("" if "[sources.site]" in shown else _SITE) + "\n" + shown, encoding="utf-8")
        try:
            config.read(file, HouseOfOne(self.connector), environ={}, unset="warn")
        except ConfigRefused as refused:
            refuse([str(fault) for fault in refused.faults])

    @check("bronze")
    def test_every_option_is_explained(self) -> None:
        """Every option says what it is for."""
        refuse(
            f"the option '{option.name}' has no explanation; declare it with hub.Option(…)"
            for option in config.explain(self.connector)
            if len(option.help.split()) < 2
        )

    @check("bronze")
    def test_credentials_are_secret(self) -> None:
        """Options that are credentials by their name are of the type hub.Secret."""
        refuse(
            f"the option '{name}' looks like a credential; declare it as hub.Secret"
            for name, field in self.connector.Settings.model_fields.items()
            if _CREDENTIAL.search(name) and not _holds_secret(field.annotation)
        )

    @check("bronze")
    def test_unknown_options_are_refused(self) -> None:
        """A misspelt option is refused, and nothing of the others is shown."""
        try:
            self.made(no_such_option="x")
        except ValidationError as fault:
            refuse(f"the error shows {leak}" for leak in self.leaks(str(fault)))
        else:
            refuse(["an unknown option is taken; leave `extra` of model_config as it is"])

    @check("bronze")
    def test_secrets_are_never_shown(self) -> None:
        """No secret in the settings' or the connector's text, as JSON, or in a log."""
        with said_meanwhile() as said:
            made = self.made()
        texts = [repr(made.settings), str(made.settings), made.settings.model_dump_json(), repr(made)]
        refuse(
            f"{leak} can be read in {text[:40]}…" for text in [*texts, said()] for leak in self.leaks(text)
        )

    @check("bronze")
    def test_settings_have_not_drifted(self) -> None:
        """The options are those of the committed schema, so that nobody's configuration breaks unseen."""
        refuse(compared(self.golden() / "settings.schema.json", config.schema(self.connector)))

    @check("silver", only=(HttpSink, Sink))
    def test_limits_cite_the_vendors_page(self) -> None:
        """Limits are the vendor's, with the page that says so beside them."""
        where = place(self.connector)
        files = sorted(where.rglob("*.py")) if where.is_dir() else [where]
        text = "\n".join(file.read_text(encoding="utf-8") for file in files)
        if not re.search(r'Limits\([^)]*\)\s*\n?\s*("""|#)[^"]*https://', text):
            left_open("no hub.Limits(…) is followed by a comment with the vendor's page")

    @check("gold")
    def test_troubleshooting_is_documented(self) -> None:
        """The page says what errors mean, and what the limits are."""
        page = self._page()
        text = page.read_text(encoding="utf-8").lower() if page is not None else ""
        for word in ("wrong", "limit"):
            if not re.search(rf"^#+ .*{word}", text, re.MULTILINE):
                left_open(f"its page has no heading with '{word}'")

    def _page_name(self) -> str:
        return self.page or f"docs/how_to/{self.connector.name}.md"

    def _page(self) -> Path | None:
        above = Path(inspect.getfile(type(self))).resolve().parents
        return next((one / self._page_name() for one in above if (one / self._page_name()).is_file()), None)


def _summary(connector: ConnectorType) -> str:
    return inspect.cleandoc(connector.__doc__ or "").partition("\n")[0]


def _holds_secret(annotation: Any) -> bool:
    if isinstance(annotation, type):
        return issubclass(annotation, Secret)
    return any(_holds_secret(one) for one in alternatives(annotation) if one is not annotation) or any(
        _holds_secret(one) for one in getattr(annotation, "__args__", ())
    )


def _secrets(value: Any) -> Iterator[str]:
    if isinstance(value, Secret):
        yield value.reveal()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _secrets(one)
    elif isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from _secrets(one)


@contextlib.contextmanager
def said_meanwhile() -> Iterator[Any]:
    """What is logged or printed until the block ends; asked for by calling what is given."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            yield out.getvalue
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


__all__ = ["Conformance", "said_meanwhile", "told"]
