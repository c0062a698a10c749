"""plugins.toml: what it may say, and what people are told when it says something else."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.config import Config, explain, from_resolved, hub_options, read, schema
from hub.connector import Limits
from hub.errors import ConfigRefused, PluginBroken
from hub.option import Secret
from hub.plugins import discover

CONNECTORS = '''
from pathlib import Path
import hub


class Boxes(hub.Settings):
    public_keys: list[str] = hub.Option("Keys that may sit in a web page.", default=[])
    secret_keys: list[hub.Secret] = hub.Option("Keys of servers.", default=[])
    name: str | dict[str, str] = hub.Option("A path, or a fixed word.", default="type")


class Letters(hub.Source[Boxes]):
    """Letters that people write."""

    name = "letters"
    paths = ("/letters/",)

    def keys(self):
        proven = {key.reveal(): "secret" for key in self.settings.secret_keys}
        return {**dict.fromkeys(self.settings.public_keys, "public"), **proven}


class Franking(hub.Settings):
    stamp: str = hub.Option("Which stamp.", default="blue", pattern="blue|red")
    seal: hub.Secret | None = hub.Option("A seal.", default=None)


class Postage(hub.Settings):
    api_key: hub.Secret = hub.Option("Private API key, from Settings > API keys.")
    revision: str = hub.Option("Which revision of the API to speak.", default="2026-07-15")
    headers: dict[str, str | hub.Secret] = hub.Option("More headers.", default={})
    wait: hub.Duration = hub.Option("How long.", default="15m", validate_default=True)
    copies: int = hub.Option("How many.", default=1, ge=1, le=5)
    archive: Path | None = hub.Option("Where copies go.", default=None)
    franking: Franking = hub.Option("How it is franked.", default=Franking())


class Post(hub.HttpSink[Postage]):
    """Letters to people, by post."""

    name = "letters"
    base_url = "https://post.example.com"
    limits = hub.Limits(per_second=10, per_minute=150, batch=1000)

    @hub.action("track")
    def track(self, deliveries):
        """A letter for an event."""
        yield

    @hub.action("profile", limits=hub.Limits(per_second=5, batch=0, in_flight=0))
    def profile(self, deliveries):
        """A letter about a person."""
        yield


class Anonymise(hub.Transform[hub.Settings]):
    """Cuts the sender off."""

    name = "letters"


@hub.hookimpl
def connectors():
    return [Letters, Post, Anonymise]
'''
DRAWER = '''
import hub


class Drawer(hub.Sink[hub.Settings]):
    """Keeps things."""

    name = "drawer"

    @hub.action("keep")
    async def keep(self, deliveries):
        """Puts it in."""


class Visits(hub.PollingSource[hub.Settings]):
    """Asks who came."""

    name = "drawer"


@hub.hookimpl
def connectors():
    return [Drawer, Visits]
'''
STRICT = '''
from pydantic import field_validator

import hub


class Settings(hub.Settings):
    url: str = hub.Option("Where to.")
    secret: hub.Secret = hub.Option("A long one.", min_length=40)

    @field_validator("secret")
    @classmethod
    def check(cls, secret):
        if "private" in secret.reveal():
            raise ValueError(f"'{secret.reveal()}' is not what it should be")
        return secret

    @field_validator("url")
    @classmethod
    def check_url(cls, url):
        return 1 / (url != "zero") and url


class Strict(hub.HttpSink[Settings]):
    """Takes long secrets only."""

    name = "strict"

    @hub.action("send")
    def send(self, deliveries):
        """Sends."""
        yield


@hub.hookimpl
def connectors():
    return [Strict]
'''
HEAD = '[hub]\nplugins = ["own"]\n'
KEYED = '[sinks.news]\nconnector = "letters"\napi_key = { env = "NEWS_KEY" }\n'
"""A sink without faults, where NEWS_KEY is set; three lines."""

Reader = Callable[..., Config]
Refusal = Callable[..., list[str]]


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("connectors") / "own"
    folder.mkdir()
    (folder / "letters.py").write_text(CONNECTORS)
    (folder / "drawer.py").write_text(DRAWER)
    (folder / "strict.py").write_text(STRICT)
    return folder


@pytest.fixture
def place(tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to stand in, beside a folder of connectors."""
    (tmp_path / "own").symlink_to(own)
    monkeypatch.chdir(tmp_path)
    yield tmp_path


@pytest.fixture
def config(place: Path) -> Reader:
    """Reads a text as plugins.toml, with the connectors of `own`."""

    def reader(text: str, *, head: str = HEAD, env: dict[str, str] | None = None, **more: Any) -> Config:
        (place / "plugins.toml").write_text(head + text)
        environ = {"NEWS_KEY": "k-123", **(env or {})}
        return read(Path("plugins.toml"), discover, environ=environ, **more)

    return reader


@pytest.fixture
def faults(config: Reader) -> Refusal:
    """The faults of a text, as people see them."""

    def refusal(text: str, **more: Any) -> list[str]:
        with pytest.raises(ConfigRefused) as refused:
            config(text, **more)
        return [str(fault) for fault in refused.value.faults]

    return refusal


# What a good file says


def test_a_file_without_anything_is_a_hub_with_its_defaults(config, place):
    hub = config("", head="").hub

    assert (hub.listen, hub.host, hub.port) == ("127.0.0.1:8080", "127.0.0.1", 8080)
    assert hub.public_url == "http://127.0.0.1:8080"
    assert hub.data_dir == place / "data"
    assert (hub.free_space, hub.per_address, hub.drain) == (512 * 1024**2, 1024, timedelta(seconds=10))


def test_the_hub_table_says_where_it_listens_and_whom_it_may_call(config):
    hub = config('listen = "[::]:9000"\nallow_private = ["10.1.0.0/16", "::1"]\nfree_space = "1GB"\n').hub

    assert (hub.host, hub.port, hub.public_url) == ("::", 9000, "http://[::1]:9000")
    assert [str(network) for network in hub.allow_private] == ["10.1.0.0/16", "::1/128"]
    assert hub.free_space == 1024**3


def test_a_block_becomes_its_connector_with_its_settings(config):
    sink = config(KEYED + 'wait = "90s"\n').sinks["news"]

    assert sink.connector.name == "letters"
    assert sink.settings.api_key.reveal() == "k-123"
    assert sink.settings.wait == timedelta(seconds=90)
    assert (sink.base_url, sink.ordered) == (None, True)


def test_a_block_uses_the_connector_of_its_label_by_default(config):
    assert config("[sources.letters]\n").sources["letters"].connector.__name__ == "Letters"


def test_a_source_and_a_sink_may_share_a_name(config):
    read = config("[sources.letters]\n[sinks.letters]\napi_key = { env = 'NEWS_KEY' }\n")

    assert read.sources["letters"].connector is not read.sinks["letters"].connector


def test_sizes_of_a_source_are_the_connectors_unless_the_block_says_so(config):
    sources = config(
        '[sources.letters]\n[sources.big]\nconnector = "letters"\nmax_event = "2MB"\nmax_request = 5000\n'
        "[sources.drawer]\n"
    ).sources

    assert (sources["letters"].max_event, sources["letters"].max_request) == (32 * 1024, 10 * 1024**2)
    assert (sources["big"].max_event, sources["big"].max_request) == (2 * 1024**2, 5000)
    assert sources["drawer"].max_event == 32 * 1024


def test_a_blocks_limits_lower_the_vendors(config):
    limits = config(KEYED + "limits = { per_second = 8, batch = 100 }\n").sinks["news"].limits

    assert limits["track"] == Limits(per_second=8, per_minute=150, batch=100)
    assert limits["profile"] == Limits(per_second=5, batch=100, in_flight=4)


def test_without_any_limit_one_delivery_a_request_and_four_requests_at_once(config):
    assert config(KEYED).sinks["news"].limits["profile"] == Limits(per_second=5, batch=1, in_flight=4)


def test_a_relative_path_starts_at_the_file(config, place):
    assert (
        config(KEYED + 'archive = "kept/letters"\n').sinks["news"].settings.archive == place / "kept/letters"
    )


def test_a_secret_may_stand_in_a_list_and_beside_plain_text(config):
    read = config(
        '[sources.letters]\nsecret_keys = [{ env = "ONE" }, { env = "TWO" }]\n'
        + KEYED
        + 'headers = { Authorization = { env = "ONE" }, Plain = "text" }\n',
        env={"ONE": "s-1", "TWO": "s-2"},
    )

    assert [key.reveal() for key in read.sources["letters"].settings.secret_keys] == ["s-1", "s-2"]
    assert read.sinks["news"].settings.headers == {"Authorization": Secret("s-1"), "Plain": "text"}


def test_an_end_of_line_behind_a_secret_of_the_environment_is_none_of_it(config):
    read = config('[sinks.letters]\napi_key = { env = "ONE" }\n', env={"ONE": "s-1\r\n"})

    assert read.sinks["letters"].settings.api_key.reveal() == "s-1"


def test_a_secret_may_lie_in_a_file_beside_the_config(config, place):
    (place / "news.key").write_text("k-from-file\n")
    (place / "news.key").chmod(0o600)

    read = config('[sinks.letters]\napi_key = { file = "news.key" }\n')

    assert read.sinks["letters"].settings.api_key.reveal() == "k-from-file"
    assert read.warnings == ()


def test_a_bare_label_takes_profile_for_identify_and_track_for_the_rest(config):
    [route] = config(KEYED + '[routes.all]\nto = "news"\n').routes

    assert route.action_for["identify"] == "profile"
    assert route.action_for["track"] == route.action_for["page"] == "track"
    assert (route.sink, route.when, route.sources) == ("news", None, None)


def test_a_route_names_an_action_a_selector_and_sources(config):
    [route] = config(
        "[sources.letters]\n" + KEYED + '[routes.some]\nto = "news.track"\n'
        'when = "order_completed or product_added[price > 10]"\nfrom = ["letters", "hub"]\n'
    ).routes

    assert set(route.action_for.values()) == {"track"}
    assert route.sources == {"letters", "hub"}
    assert route.when == "order_completed or product_added[price > 10]"


def test_transforms_stand_where_they_say_in_the_order_of_the_file(config):
    transforms = config(
        KEYED + '[sources.letters]\n[transforms.b]\nconnector = "letters"\non = ["source:letters"]\n'
        '[transforms.a]\nconnector = "letters"\non = ["sink:news", "source:letters"]\n'
    ).transforms

    assert [one.name for one in transforms] == ["b", "a"]
    assert (transforms[1].sources, transforms[1].sinks) == ({"letters"}, {"news"})


def test_identity_adds_kinds_and_changes_how_many(config):
    identity = config(
        '[identity]\nblocked = ["guest@example.com"]\n'
        "[identity.kinds.loyalty_id]\nstrong = true\nmax = 1\n[identity.kinds.email]\nmax = 2\n"
    ).identity

    assert [(one.name, one.strong, one.max) for one in identity.kinds[:5]] == [
        ("user_id", True, 1),
        ("customer_id", True, 5),
        ("email", True, 2),
        ("phone", True, 5),
        ("loyalty_id", True, 1),
    ]
    assert identity.blocked == {"guest@example.com"}


def test_consent_categories_are_names_of_ours(config):
    assert config('[consent.categories]\nAdvertising = "marketing"\n').categories == {
        "Advertising": "marketing"
    }


# Switching off


def test_a_block_that_is_switched_off_is_checked_and_left_out(config, faults):
    off = '[sinks.news]\nconnector = "letters"\nenabled = false\napi_key = { env = "NOT_SET" }\n'

    assert config(off).sinks == {}
    assert faults(off + "copies = 9\n") == ["plugins.toml:7: sinks.news.copies: must be at most 5"]


def test_a_route_to_a_sink_that_is_switched_off_plans_nothing_and_says_so(config):
    read = config(KEYED + 'enabled = false\n[routes.all]\nto = "news"\n')

    assert read.routes == ()
    assert [str(warning) for warning in read.warnings] == [
        "plugins.toml:8: routes.all.to: sinks.news is switched off, so nothing takes this route"
    ]


def test_a_route_that_is_switched_off_plans_nothing(config):
    assert config(KEYED + '[routes.all]\nto = "news"\nenabled = false\n').routes == ()


# The environment and the command line


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(config, place):
    text = 'listen = "127.0.0.1:1"\ndata_dir = "here"\n'
    env = {"HUB_LISTEN": "127.0.0.1:2", "HUB_ALLOW_PRIVATE": "127.0.0.1, 10.0.0.0/8"}

    assert config(text, env=env).hub.port == 2
    assert len(config(text, env=env).hub.allow_private) == 2
    assert config(text, env=env, overrides={"listen": "127.0.0.1:3"}).hub.port == 3
    assert config(text).hub.data_dir == place / "here"


def test_a_fault_in_the_environment_names_the_variable(faults):
    assert faults("", env={"HUB_LISTEN": "8080"}) == [
        "environment: HUB_LISTEN: must be HOST:PORT, as 127.0.0.1:8080"
    ]


def test_a_data_folder_from_the_shell_is_relative_to_where_one_stands(place, config, tmp_path, monkeypatch):
    config("")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    hub = read(place / "plugins.toml", discover, environ={"HUB_DATA_DIR": "d"}).hub

    assert hub.data_dir == tmp_path / "elsewhere" / "d"


# More than one file


def test_included_files_add_to_the_first(config, place):
    (place / "more").mkdir()
    (place / "more" / "a.toml").write_text('[routes.all]\nto = "news"\n')
    (place / "more" / "b.toml").write_text('[consent.categories]\nAds = "marketing"\n')

    read = config(KEYED + '[consent.categories]\nNews = "news"\n', head=HEAD + 'include = ["more/*.toml"]\n')

    assert [route.name for route in read.routes] == ["all"]
    assert read.categories == {"Ads": "marketing", "News": "news"}


def test_a_fault_in_an_included_file_names_that_file(faults, place):
    (place / "more.toml").write_text('\n[routes.all]\nto = "new"\n')

    assert faults(KEYED, head=HEAD + 'include = ["more.toml"]\n') == [
        "more.toml:3: routes.all.to: no sink 'new'; did you mean 'news'?"
    ]


def test_a_block_may_not_stand_in_two_files(faults, place):
    (place / "more.toml").write_text("[sinks.news]\ncopies = 2\n")

    assert faults(KEYED, head=HEAD + 'include = ["more.toml"]\n') == [
        "more.toml:1: sinks.news: stands already in plugins.toml:4; keep one"
    ]


def test_the_hub_table_stands_in_the_main_file_only(faults, place):
    (place / "more.toml").write_text('[hub]\nlisten = "0.0.0.0:1"\n')

    assert faults("", head='[hub]\ninclude = ["more.toml"]\n') == [
        "more.toml:1: hub: [hub] stands in the main file only"
    ]


def test_an_included_file_that_is_not_there_is_a_fault(faults):
    assert faults("", head='[hub]\ninclude = ["more.toml"]\n') == [
        "plugins.toml:2: hub.include: item 1: more.toml: no such file"
    ]


def test_a_pattern_that_no_file_can_match_is_a_warning(config):
    good = config("", head='[hub]\ninclude = ["a\\u0000b"]\n')

    assert [one.problem for one in good.warnings] == ["item 1: no file matches 'a\0b'"]


def test_an_included_file_with_a_slip_is_shown_with_its_line(faults, place):
    (place / "more.toml").write_text("[routes.a]\nto =\n")

    assert faults("", head='[hub]\ninclude = ["more.toml"]\n') == [
        "more.toml:2: is not TOML: invalid value (column 5)"
    ]


def test_a_pattern_that_matches_nothing_is_a_warning(config):
    read = config("", head='[hub]\ninclude = ["rules/*.toml"]\n')

    assert [str(one) for one in read.warnings] == [
        "plugins.toml:2: hub.include: item 1: no file matches 'rules/*.toml'"
    ]


# Files that cannot be read


def test_a_missing_file_is_one_clear_fault(place):
    with pytest.raises(ConfigRefused, match="^nowhere.toml: no such file; --config names another$"):
        read(Path("nowhere.toml"), discover)


def test_a_folder_in_place_of_the_file_is_one_clear_fault(place):
    with pytest.raises(ConfigRefused, match="is a folder; name a file"):
        read(place, discover)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_one_clear_fault(place):
    (place / "plugins.toml").write_text("")
    (place / "plugins.toml").chmod(0)

    with pytest.raises(ConfigRefused, match="plugins.toml: cannot be read: Permission denied"):
        read(Path("plugins.toml"), discover)


def test_a_file_that_is_not_utf_8_is_one_clear_fault(place):
    (place / "plugins.toml").write_bytes(b'[hub]\n# caf\xe9\nlisten = ""\n')

    with pytest.raises(ConfigRefused, match="^plugins.toml:2: is not UTF-8; save it as UTF-8$"):
        read(Path("plugins.toml"), discover)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a = tru\n", "plugins.toml:1: is not TOML: invalid value (column 5)"),
        ("a = [1,\n2", "plugins.toml:2: is not TOML: unclosed array"),
        ("[hub]\n\n[hub]\n", "plugins.toml:3: this key or table stands here a second time; keep one"),
        (
            "[hub]\nlog = 'json'\nlog = 'text'\n",
            "plugins.toml:3: this key or table stands here a second time; keep one",
        ),
        ("a = { b = 1, b = 2 }\n", "plugins.toml:1: this key or table stands here a second time; keep one"),
        ("a = " + "[" * 5000, "plugins.toml: lists or tables stand too deep in each other"),
        ("a = " + "9" * 5000, "plugins.toml: has a number that is too long"),
    ],
)
def test_what_is_not_toml_is_one_fault_with_its_line(faults, text, fault):
    assert faults(text, head="") == [fault]


# Faults of tables and options


def test_every_fault_is_told_at_once_in_the_order_of_the_file(faults):
    assert faults(
        'listenn = "x"\n[sinks.news]\nconnector = "letters"\napi_kye = "x"\n[routes.r]\nto = "new"\n'
    ) == [
        "plugins.toml:3: hub.listenn: unknown option; did you mean 'listen'?",
        "plugins.toml:4: sinks.news.api_key: required: Private API key, from Settings > API keys.",
        "plugins.toml:6: sinks.news.api_kye: unknown option; did you mean 'api_key'?",
        "plugins.toml:8: routes.r.to: no sink 'new'; did you mean 'news'?",
    ]


def test_an_option_that_nobody_knows_hides_no_other_fault(faults):
    assert faults('[routes.r]\nto = "new"\nwen = "x"\nfrom = ["nobody"]\n') == [
        "plugins.toml:4: routes.r.to: no sink 'new'; there is none",
        "plugins.toml:5: routes.r.wen: unknown option; did you mean 'when'?",
        "plugins.toml:6: routes.r.from: item 1: no source 'nobody'; there is hub",
    ]


def test_a_fault_in_one_option_hides_none_in_another(faults):
    assert faults(
        "[routes.r]\nto = 'new'\nfrom = 'site'\nwhen = 'a or'\n"
        "[consent.categories]\nAds = 'Direct marketing'\nFun = 3\n"
        "[identity.kinds.Card]\n[identity.kinds.email]\nstrong = false\nmax = 0\n"
        "[sync.crm]\nto = 'crm'\nfields = { a = 'person.', b = 3 }\n"
    ) == [
        "plugins.toml:4: routes.r.to: no sink 'new'; there is none",
        "plugins.toml:5: routes.r.from: must be a list: [ … ]",
        "plugins.toml:6: routes.r.when: character 5: expected the name of an event, found the end",
        "plugins.toml:8: consent.categories.Ads: a purpose has a-z, 0-9 and _ only: marketing",
        "plugins.toml:9: consent.categories.Fun: must be text in quotes",
        "plugins.toml:10: identity.kinds.Card: a kind has a-z, 0-9 and _ only",
        "plugins.toml:12: identity.kinds.email.strong: email is strong; "
        "only `max` of a known kind can change",
        "plugins.toml:13: identity.kinds.email.max: must be at least 1",
        "plugins.toml:15: sync.crm.to: no sink 'crm'; there is none",
        "plugins.toml:16: sync.crm.fields.b: must be text in quotes",
        "plugins.toml:16: sync.crm.fields.a: character 8: expected a name; write a path such as "
        "products.product_id, found the end",
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("enabeld = true", "enabeld: unknown option; did you mean 'enabled'?"),
        ("copies = 'two'", "copies: must be a whole number"),
        ("copies = 0", "copies: must be at least 1"),
        ("revision = 5", "revision: must be text in quotes"),
        ("wait = '5 min'", "wait: '5 min' is not a duration; write 90s, 15m, 1h30m, 24h, 30d or 2w"),
        ("wait = '99999999999999999999w'", "wait: must be at most 100 years, as a duration: 36500d"),
        ("wait = '36501d'", "wait: must be at most 100 years, as a duration: 36500d"),
        ("headers = 'x'", "headers: must be a table: { … }"),
        ("franking = { stamp = 'green' }", "franking.stamp: must look like blue|red"),
        ("franking = { stmp = 'red' }", "franking.stmp: unknown option; did you mean 'stamp'?"),
        ("revision = { env = 'X' }", "revision: only secrets are given by reference; write the value itself"),
        (
            "base_url = 'post.example.com'",
            "base_url: must be a web address: https://host or https://host/path",
        ),
        (
            "base_url = 'https://u:p@post.example.com'",
            "base_url: must be scheme, host and perhaps a path: no user, password, ? or #",
        ),
        ("ordered = 'always'", "ordered: must be true or false"),
        ("enabled = 'no'", "enabled: must be true or false"),
        ("limits = { per_second = 20 }", "limits.per_second: 20 is above the vendor's own limit; at most 10"),
        ("limits = { per_second = 0 }", "limits.per_second: must be more than 0"),
        ("limits = { per_secnd = 1 }", "limits.per_secnd: unknown option; did you mean 'per_second'?"),
        ("copies = inf", "copies: must be a finite number"),
    ],
)
def test_a_wrong_option_is_named_with_what_to_write(faults, line, problem):
    assert f"plugins.toml:6: sinks.news.{problem}" in faults(KEYED + line)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[sorces.a]", "sorces: unknown table; did you mean 'sources'?"),
        ("[sources]\na = 5", "sources.a: must be a table: [sources.a]"),
        ("[[templates]]", "templates: must be a table: [templates]"),
        ("[[rules]]\nwhen = 'b'", "rules: must be a table; write [rules]"),
        ("[segments.a]\nis = 'b'", "segments: [segments] is not part of this version yet; take it out"),
        ("[[caps]]\nmax = 1", "caps: [caps] is not part of this version yet; take it out"),
        (
            "[sources.a]\nconnector = 'lettres'",
            "no connector 'lettres' is installed; did you mean 'letters'?",
        ),
        (
            "[transforms.a]\nconnector = 'drawer'\non = ['sink:b']",
            "'drawer' is a sink and a source, not a transform",
        ),
        (
            "[sources.letters]\nmax_event = '3 pounds'",
            "'3 pounds' is not a size; write 512B, 32KB, 10MB or 1GB",
        ),
        (
            "[sources.'a b']\nconnector = 'letters'",
            'sources."a b": a label has letters, digits, _ and - only',
        ),
        (
            "[channels]\n'e/mail' = 'drawer.keep'\n[sinks.drawer]",
            "a channel has letters, digits, _ and - only",
        ),
        ("[sources.hub]\nconnector = 'letters'", "'hub' means the hub's own events; choose another label"),
        (
            "[sinks.drawer]\nbase_url = 'https://a'",
            "base_url: unknown option; only sinks that speak HTTP have it",
        ),
        ("[sinks.strict]\nurl = 'x'\nsecret = { env = 'LONG' }", "base_url: required: where its requests go"),
        ("[routes.a]\nwhen = 'b'", "routes.a.to: required: The sink: label.action"),
        (
            "[routes.a]\nto = 'drawer'\n[sinks.drawer]",
            'drawer has neither profile, track nor send; write "drawer.keep"',
        ),
        ("[routes.a]\nto = 'drawer.kep'\n[sinks.drawer]", "drawer has no action 'kep'; did you mean 'keep'?"),
        (
            "[routes.a]\nto = 'drawer.keep'\nfrom = ['lettres']\n[sinks.drawer]\n[sources.letters]",
            "routes.a.from: item 1: no source 'lettres'; did you mean 'letters'?",
        ),
        ("[routes.a]\nto = 'drawer.keep'\nwhen = 'b or'\n[sinks.drawer]", "routes.a.when: character 5: "),
        ("[transforms.letters]", "transforms.letters.on: required: Where it stands"),
        ("[transforms.letters]\non = ['site']", 'on: item 1: must be "source:LABEL" or "sink:LABEL"'),
        ("[transforms.letters]\non = ['sink:b']", "on: item 1: no sink 'b'; there is none"),
        ("[identity.kinds.email]\nstrong = false", "email is strong; only `max` of a known kind can change"),
        ("[identity.kinds.Loyalty]\nmax = 1", "a kind has a-z, 0-9 and _ only"),
        ("[consent]\ncategory = 1", "consent.category: unknown option; did you mean 'categories'?"),
        ("[consent.categories]\nAds = 'Direct marketing'", "a purpose has a-z, 0-9 and _ only: marketing"),
        ("[sources.a]\nconnector = 5", "sources.a.connector: must be text in quotes"),
        (
            "[sources.a]\nconnector = 'letters'\npublic_keys = ['k']\n"
            "[sources.b]\nconnector = 'letters'\npublic_keys = ['k']",
            "sources.b: has a key that sources.a has too",
        ),
    ],
)
def test_a_wrong_table_is_named_with_what_to_write(faults, text, problem):
    [fault] = faults(text, env={"LONG": "x" * 40})

    assert problem in fault
    assert fault.startswith("plugins.toml:")


def test_an_option_of_the_hub_that_stands_outside_its_table_is_sent_there(faults):
    assert faults('listen = "x"', head="") == [
        "plugins.toml:1: listen: unknown option; 'listen' belongs under [hub]"
    ]


def test_a_folder_of_connectors_that_is_not_there_is_a_fault(faults):
    assert faults("", head='[hub]\nplugins = ["./ours"]\n') == [
        "plugins.toml:2: hub.plugins: item 1: there is no folder './ours'"
    ]


def test_a_line_is_found_in_inline_tables_lists_and_included_headers(faults):
    assert faults("[sources.letters]\npublic_keys = [\n  'a', # one\n  5,\n]\n") == [
        "plugins.toml:6: sources.letters.public_keys: item 2: must be text in quotes"
    ]


# Secrets


def test_a_secret_written_into_the_file_is_refused_and_not_repeated(faults):
    [fault] = faults('[sinks.letters]\napi_key = "pk_very_private"\n')

    assert fault == (
        "plugins.toml:4: sinks.letters.api_key: a secret is not written here; "
        'give { env = "NAME" } or { file = "path" }'
    )


@pytest.mark.parametrize("value", ["{ env = 5 }", "{ env = 'A', file = 'b' }", "{ vault = 'A' }", "5", "[]"])
def test_another_form_of_a_secret_is_told_the_two_there_are(faults, value):
    assert faults(f"[sinks.letters]\napi_key = {value}\n") == [
        'plugins.toml:4: sinks.letters.api_key: must be { env = "NAME" } or { file = "path" }'
    ]


@pytest.mark.parametrize(
    ("reference", "problem"),
    [
        ("env = 'GONE'", "the environment variable GONE is not set"),
        ("env = 'EMPTY'", "the environment variable EMPTY is empty"),
        ("file = 'gone.key'", "the secret's file gone.key cannot be read: No such file or directory"),
        ("file = 'odd.key'", "the secret's file odd.key cannot be read: it is not UTF-8 text"),
    ],
)
def test_a_secret_that_is_not_there_stops_a_run(faults, place, reference, problem):
    (place / "odd.key").write_bytes(b"\xff")

    assert faults(f"[sinks.letters]\napi_key = {{ {reference} }}\n", env={"EMPTY": ""}) == [
        f"plugins.toml:4: sinks.letters.api_key: {problem}"
    ]


def test_a_secret_that_is_not_there_is_a_warning_in_a_check(config):
    read = config('[sinks.letters]\napi_key = { env = "GONE" }\n[routes.a]\nto = "letters"\n', unset="warn")

    assert [str(one) for one in read.warnings] == [
        "plugins.toml:4: sinks.letters.api_key: the environment variable GONE is not set"
    ]
    assert [route.name for route in read.routes] == ["a"]


def test_a_secret_that_is_not_there_is_a_placeholder_in_a_preview(config):
    read = config('[sinks.letters]\napi_key = { env = "GONE" }\n', unset="placeholder")

    assert read.sinks["letters"].settings.api_key.reveal() == "unset-GONE"
    assert read.warnings == ()


def test_a_placeholder_that_does_not_fit_is_told_by_its_variable(faults):
    text = "[sinks.strict]\nurl = 'x'\nbase_url = 'https://a'\nsecret = { env = 'GONE' }\n"

    assert faults(text, unset="placeholder") == [
        "plugins.toml:6: sinks.strict.secret: the environment variable GONE is not set, and this connector "
        "does not take a placeholder"
    ]


def test_a_secrets_file_that_everyone_can_read_is_a_warning(config, place):
    (place / "news.key").write_text("k")
    (place / "news.key").chmod(0o644)

    read = config('[sinks.letters]\napi_key = { file = "news.key" }\n')

    assert [str(one) for one in read.warnings] == [
        "plugins.toml:4: sinks.letters.api_key: everyone on this machine can read news.key; "
        "chmod 600 news.key"
    ]


def test_no_secret_is_in_the_text_of_a_configuration(config):
    read = config(KEYED, env={"NEWS_KEY": "pk_very_private"})

    assert "pk_very_private" not in repr(read)
    assert b"pk_very_private" not in read.resolved
    assert b'{"env":"NEWS_KEY"}' in read.resolved


def test_a_secret_is_not_in_what_a_connector_objects_to(faults):
    [fault] = faults(
        "[sinks.strict]\nurl = 'x'\nbase_url = 'https://a'\nsecret = { env = 'LONG' }\n",
        env={"LONG": "much-too-private" * 3},
    )

    assert fault == "plugins.toml:6: sinks.strict.secret: '…' is not what it should be"


def test_a_connector_whose_check_of_its_options_fails_is_broken(config):
    with pytest.raises(PluginBroken, match="its options cannot be checked: ZeroDivisionError"):
        config(
            "[sinks.strict]\nurl = 'zero'\nbase_url = 'https://a'\nsecret = { env = 'LONG' }\n",
            env={"LONG": "x" * 40},
        )


# The stored configuration

WHOLE = (
    KEYED
    + """
[sources.letters]
public_keys = ["pk"]
[transforms.second]
connector = "letters"
on = ["source:letters"]
[transforms.first]
connector = "letters"
on = ["sink:news"]
[routes.z]
to = "news"
from = ["letters"]
[routes.a]
to = "news.track"
when = "order_completed"
[identity]
blocked = ["b", "a"]
[consent.categories]
Ads = "marketing"
"""
)


def test_a_stored_configuration_is_read_back_as_it_was(config, place):
    written = config(WHOLE)
    stored = from_resolved(written.resolved, discover, base=place, environ={"NEWS_KEY": "k-123"})

    assert stored == written


def test_the_stored_configuration_plans_without_any_connector(config):
    plan = json.loads(config(WHOLE).resolved)["plan"]

    assert [route["name"] for route in plan["routes"]] == ["z", "a"]
    assert plan["routes"][1] == {
        "name": "a",
        "sink": "news",
        "lane": "forward",
        "actions": dict.fromkeys(["track", "identify", "page", "screen", "group", "alias"], "track"),
        "when": "order_completed",
        "from": None,
    }
    assert plan["identity"]["kinds"][0] == {"name": "user_id", "strong": True, "max": 1}
    assert plan["identity"]["blocked"] == ["a", "b"]
    assert plan["categories"] == {"Ads": "marketing"}
    assert plan["transforms"] == ["second", "first"]


def test_a_version_is_the_same_for_the_same_text_and_another_for_any_change(config):
    version = config(WHOLE).version

    assert config("# a remark\n" + WHOLE, unset="warn").version == version
    assert config(WHOLE.replace("order_completed", "order_paid")).version != version


def test_a_stored_configuration_takes_the_command_lines_word_and_not_todays_environment(config, place):
    written = config("", env={"HUB_LISTEN": "127.0.0.1:7"})
    stored = from_resolved(written.resolved, discover, base=place, environ={"HUB_LISTEN": "127.0.0.1:9"})

    assert stored.hub.port == 7


# Explaining


def test_a_connector_explains_its_options(place):
    options = {one.name: one for one in explain(discover([place / "own"]).sink("letters"))}

    assert options["api_key"].required
    assert (options["api_key"].type, options["api_key"].default) == ("secret", None)
    assert options["api_key"].help == "Private API key, from Settings > API keys."
    assert (options["wait"].type, options["wait"].default) == ("duration", '"15m"')
    assert (options["headers"].type, options["headers"].default) == ("table of text or secret", "{}")
    assert options["franking.stamp"].default == '"blue"'


def test_the_hub_explains_the_options_of_every_table():
    options = hub_options()

    assert {one.name for one in options["sinks.LABEL"]} >= {"connector", "enabled", "limits.per_second"}
    assert "from" in {one.name for one in options["routes.NAME"]}
    assert [one.type for one in options["hub"] if one.name == "free_space"] == ["size"]
    assert all(one.help for table in options.values() for one in table)


def test_the_schema_of_a_connector_takes_secrets_by_reference(place):
    made = schema(discover([place / "own"]).sink("letters"))

    assert made["properties"]["api_key"]["$ref"] == "#/$defs/Secret"
    assert set(made["$defs"]["Secret"]["properties"]) == {"env", "file"}
    assert made["additionalProperties"] is False
    assert made["required"] == ["api_key"]
