"""Who is measured: the hub, and what people would otherwise write, both in the same way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.bench.processes import ROOT, Process, children, free_port, module, opened
from tests.bench.traffic import KEY

SINKS = ("one", "two", "three")
RULES = """
[channels]
email = "one.send"

[rules.cart_left]
when = "product_added then not order_completed within 15m"
if = "not did(order_completed, 1d)"
[rules.checkout_left]
when = "checkout_started then not order_completed within 5m"
[rules.last_step_left]
when = "checkout_step_completed then not order_completed within 5m"
[rules.keen]
when = "product_viewed 3 times within 2h"
by = "product_id"
if = "not did(product_added, 1d, same)"
[rules.only_looked]
when = "product_viewed then not product_added within 30m"
[rules.list_left]
when = "product_list_viewed then not product_viewed within 5m"
[rules.cart_seen]
when = "cart_viewed then not checkout_started within 10m"
[rules.dear]
when = "product_added[price > 100]"
[rules.cart_often]
when = "cart_viewed 3 times within 1d"
[rules.cart_by_mail]
when = "cart_viewed[campaign.medium == 'sms']"
[rules.lists]
when = "product_list_viewed 5 times within 1h"
[rules.shoes]
when = "product_list_viewed[category == 'Shoes']"
[rules.large]
when = "checkout_started[value > 200]"
[rules.step_again]
when = "checkout_step_completed 3 times within 1d"
[rules.step_three]
when = "checkout_step_completed[position == 4]"
[rules.read]
when = "email_opened then not email_link_clicked within 1d"
[rules.new_here]
when = "account_created then not form_submitted within 1h"
[rules.watched]
when = "video_playback_completed 2 times within 7d"
[rules.coupon]
when = "coupon_denied"
[rules.shared]
when = "product_shared 2 times within 1d"
"""
"""Twenty, of which three look at each event of the traffic."""


class Contestant:
    """A running service: where it listens, and which process does what."""

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self.port = port
        try:
            self.start_seconds = process.ready(port)
        except BaseException:
            process.stop()
            raise

    def roles(self) -> dict[str, list[int]]:
        """The processes by what they do."""
        return {"service": [self.process.pid]}

    def stop(self) -> None:
        """Ends it."""
        self.process.stop()


class Hub(Contestant):
    """The hub with one Segment source and a webhook sink for each address."""

    def __init__(
        self,
        folder: Path,
        sinks: Sequence[str],
        *,
        roles: str = "gateway,engine,delivery",
        rules: bool = False,
    ) -> None:
        port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "plugins.toml"
        config.write_text(configuration(port, sinks, rules=rules), encoding="utf-8")
        command = [str(ROOT / ".venv/bin/hub"), "run", "--config", str(config), "--role", roles]
        super().__init__(Process(command, log=folder / "log", BENCH_KEY=KEY), port)

    def roles(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {"supervisor": [self.process.pid]}
        for child in children(self.process.pid):
            files = opened(child)
            serving = any(name.startswith("deliveries.db") for name in files)
            # The journal's writer and delivery share a process; the engine never opens the deliveries.
            found["gateway and delivery" if serving else "engine"] = [child]
        return found


class Peer(Contestant):
    """FastAPI, httpx and tenacity."""

    def __init__(self, folder: Path, sinks: Sequence[str], *, batched: bool) -> None:
        port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        flags = ["--batched"] if batched else []
        command = module("peer", str(port), *sinks, *flags)
        super().__init__(Process(command, log=folder / "log"), port)


def configuration(port: int, sinks: Sequence[str], *, rules: bool = False) -> str:
    """One Segment source, a webhook sink and a route for each address; `RULES` where asked for."""
    lines = [
        "[hub]",
        f'listen = "127.0.0.1:{port}"',
        'data_dir = "data"',
        'allow_private = ["127.0.0.1"]',
        "[sources.shop]",
        'connector = "segment"',
        'secret_keys = [{ env = "BENCH_KEY" }]',
    ]
    for name, url in zip(SINKS, sinks, strict=False):
        lines += [
            f"[sinks.{name}]",
            'connector = "webhook"',
            f'url = "{url}"',
            "limits = { batch = 100 }",
            f"[routes.{name}]",
            f'to = "{name}.send"',
        ]
    return "\n".join(lines) + "\n" + (_with_sends(RULES) if rules else "")


def _with_sends(rules: str) -> str:
    send = 'send = { channel = "email", template = "bench" }\n'
    head, *each = rules.split("[rules.")
    return head + "".join(f"[rules.{one}{send}" for one in each)
