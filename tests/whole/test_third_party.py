"""A package that is no part of the hub: it passes its tests, is installed, and carries events."""

from __future__ import annotations

import hmac
import http.client
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from running_hub import SITE, RunningHub, wait_for

from hub.cli import root
from hub.testing import Receiver

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "acme-loyalty"

POINTS = """
[sources.loyalty]
connector = "{name}"
secret    = {{ file = "secret_key" }}

[sinks.points]
connector = "{name}"
api_key   = {{ file = "secret_key" }}
base_url  = "{url}"

[routes.orders]
to   = "points.track"
when = "order_completed"
"""


def installed(package: Path, folder: Path) -> Path:
    """Installs a package, and nothing else, into a folder of its own; no network is needed."""
    site = folder / "site"
    quiet = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *quiet, "--target", str(site), str(package)],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return site


def own_tests(package: Path, *options: str, site: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a package's own tests, as its author would."""
    plugins = ["-p", "hub.testing.plugin", "-p", "no:cacheprovider", "-p", "no:asyncio"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins, *options],
        cwd=package,
        env={**os.environ, "PYTHONPATH": str(site or "")},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the example is installed."""
    folder = tmp_path_factory.mktemp("third_party")
    copied = folder / "acme-loyalty"
    shutil.copytree(EXAMPLE, copied, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
    return installed(copied, folder)


def test_the_example_passes_its_tests_as_it_is_installed(site: Path, tmp_path: Path):
    shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")
    shutil.copy(EXAMPLE / "README.md", tmp_path)
    done = own_tests(tmp_path, "--hub-grades=check", site=site)

    assert done.returncode == 0, done.stdout
    assert "failed" not in done.stdout


def test_an_installed_package_is_listed_with_the_grade_of_its_code(site: Path, tmp_path: Path):
    assert grades(site, tmp_path) == {"acme_loyalty": "silver"}

    shutil.copytree(site, tmp_path / "changed")
    with (tmp_path / "changed" / "acme_loyalty" / "sink.py").open("a") as code:
        code.write("\nCHANGED = True\n")

    assert grades(tmp_path / "changed", tmp_path) == {"acme_loyalty": "none"}


def grades(site: Path, folder: Path) -> dict[str, str]:
    """The grades of the connectors that are not built in."""
    done = subprocess.run(
        [sys.executable, "-m", "hub.cli", "connectors", "list", "--json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    known = [json.loads(line) for line in done.stdout.splitlines()]
    return {one["name"]: one["grade"] for one in known if not one["package"].startswith("connectors.")}


def test_an_installed_package_carries_events_in_and_out(
    site: Path, hubs: Callable[..., RunningHub], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYTHONPATH", str(site))
    with Receiver() as vendor:
        hub = hubs(SITE + POINTS.format(url=vendor.url, name="acme_loyalty")).start()
        hub.track("u1", "Order Completed", properties={"orderId": "o1", "revenue": 25, "currency": "EUR"})
        status = redeemed(hub)
        wait_for(lambda: vendor.heard)

    assert [one["points"] for one in vendor.objects] == [25]
    assert vendor.heard[0].headers["idempotency-key"]
    assert status == 200
    assert "reward_redeemed" in {event["name"] for event in hub.exported("events")}


def redeemed(hub: RunningHub) -> int:
    """Acme Loyalty's webhook about a reward, signed, and what it hears."""
    body = json.dumps({"id": "w1", "event": "Reward Redeemed", "member": "u1", "reward": "mug"}).encode()
    now, secret = str(int(time.time())), (hub.folder / "secret_key").read_bytes()
    signature = hmac.new(secret, f"{now}.".encode() + body, "sha256").hexdigest()
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=20)
    connection.request("POST", "/in/loyalty", body, {"X-Acme-Time": now, "X-Acme-Signature": signature})
    status = connection.getresponse().status
    connection.close()
    return status


# hub connectors new


@pytest.mark.parametrize("kind", ["sink", "source", "both"])
def test_a_new_connector_passes_its_tests_at_once(kind: str, tmp_path: Path):
    done = CliRunner().invoke(root, ["connectors", "new", "toy_shop", "--kind", kind, "--in", str(tmp_path)])
    made = own_tests(tmp_path / "toy-shop")

    assert done.exit_code == 0, done.output
    assert made.returncode == 0, made.stdout
    written = "".join(file.read_text() for file in (tmp_path / "toy-shop").rglob("*") if is_text(file))
    assert "acme" not in written.lower()


def is_text(file: Path) -> bool:
    return file.is_file() and file.suffix != ".pyc"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Toy Shop", "is not in snake_case"),
        ("klaviyo", "there is a connector 'klaviyo' already"),
        ("made", "exists already"),
        ("class", "'class' is a word or a module of Python already"),
        ("hub", "'hub' is a word or a module of Python already"),
    ],
)
def test_a_new_connector_needs_a_name_and_a_folder_of_its_own(name: str, told: str, tmp_path: Path):
    (tmp_path / "made").mkdir()
    done = CliRunner().invoke(root, ["connectors", "new", name, "--in", str(tmp_path)])

    assert done.exit_code == 2
    assert told in done.output
