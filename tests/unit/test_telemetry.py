"""What is said while running: counted cheaply, told without anybody's data."""

from __future__ import annotations

import json
import logging

import pytest

from hub.clock import DrivenClock
from hub.errors import BadPayload
from hub.telemetry import (
    METRICS,
    SAID,
    Health,
    Log,
    Metrics,
    guard,
    names,
    place,
    redacted,
    watch_process,
    where,
)


def test_a_counter_counts_by_its_labels():
    metrics = Metrics()
    metrics.count(names.EVENTS_ACCEPTED, "site", by=2)
    metrics.count(names.EVENTS_ACCEPTED, "shop")

    assert metrics.readings()["hub_events_accepted_total"] == {("site",): 2, ("shop",): 1}


def test_counts_of_other_processes_join_and_replace_their_former_ones():
    metrics = Metrics()
    metrics.count(names.EVENTS_PROCESSED, "site")
    over_a_pipe = json.loads(json.dumps({"hub_events_processed_total": [[["site"], 5]]}))
    metrics.merge("engine", over_a_pipe)
    metrics.merge("engine", over_a_pipe)

    assert metrics.readings()["hub_events_processed_total"] == {("site",): 6}


def test_spreads_of_two_processes_are_added_up():
    one, other = Metrics(), Metrics()
    one.observe(names.REQUEST_SECONDS, 0.002, "audit")
    other.observe(names.REQUEST_SECONDS, 99, "audit")
    one.merge("delivery", other.snapshot())

    text = one.text()[0].decode()

    assert 'hub_request_seconds_bucket{le="0.0025",sink="audit"} 1.0' in text
    assert 'hub_request_seconds_bucket{le="+Inf",sink="audit"} 2.0' in text


def test_metrics_read_as_prometheus_reads_them():
    metrics = Metrics()
    metrics.count(names.EVENTS_ACCEPTED, 'a"b\nc')
    metrics.set(names.SINKS_PAUSED, 1, "news")
    metrics.ask(names.ENGINE_BEHIND, lambda: {(): 7})

    text, content_type = metrics.text()

    assert content_type.startswith("text/plain")
    assert b"# TYPE hub_events_accepted_total counter" in text
    assert b'hub_sinks_paused{sink="news"} 1.0' in text
    assert b"hub_engine_behind_entries 7.0" in text


def test_labels_beyond_the_limit_count_as_other():
    metrics = Metrics(most=3)
    for number in range(10):
        metrics.count(names.EVENTS_ACCEPTED, f"source{number}")

    readings = metrics.readings()["hub_events_accepted_total"]

    assert len(readings) == 4
    assert readings[("other",)] == 7


def test_a_metric_of_another_version_is_left_out():
    metrics = Metrics()
    metrics.merge("engine", {"hub_unheard_of_total": [((), 1)]})

    assert b"unheard" not in metrics.text()[0]


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_metric_names_say_what_and_in_which_unit(metric):
    assert metric.name.startswith("hub_")
    assert metric.help.endswith(".")
    assert metric.name.endswith("_total") == (metric.family == "counter")
    assert metric.family != "histogram" or metric.name.endswith("_seconds")
    assert set(metric.labels) <= {
        "source",
        "sink",
        "action",
        "reason",
        "status",
        "connector",
        "transform",
        "role",
        "rule",
    }


def test_a_role_that_falls_silent_is_failing():
    clock = DrivenClock()
    health = Health(clock)
    health.expect("gateway", "engine")
    clock.forward(seconds=4)
    health.report("gateway")
    clock.forward(seconds=2)

    verdict = health.verdict()

    assert verdict.status == "failing"
    assert verdict.roles == {"gateway": "ok", "engine": "failing"}
    assert verdict.reasons == ["engine: silent for more than 5 s"]


def test_the_worst_report_is_the_verdict_until_it_is_taken_back():
    health = Health(DrivenClock())
    health.expect("gateway")
    health.report("sink news", "degraded", "the credentials are not accepted")

    assert health.verdict() == (
        "degraded",
        {"gateway": "ok"},
        ["sink news: the credentials are not accepted"],
    )
    health.report("sink news")
    assert health.verdict() == ("ok", {"gateway": "ok"}, [])


def test_what_is_gone_for_good_is_not_missed():
    clock = DrivenClock()
    health = Health(clock)
    health.expect("engine")
    health.forget("engine")
    clock.forward(hours=1)

    assert health.verdict().status == "ok"


@pytest.mark.parametrize(
    "key",
    ["secret", "api_key", "Authorization", "password", "email", "traits", "properties", "body", "token"],
)
def test_values_under_telling_names_are_hidden(key):
    assert redacted({"deep": [{key: "canary"}]}) == {"deep": [{key: "[hidden]"}]}


def test_known_secrets_and_addresses_are_blotted_out_anywhere():
    guard(["sk_live_canary", "ab"])

    assert redacted("at https://x/sk_live_canary by ann@example.com!") == "at https://x/[hidden] by [email]"
    assert redacted({"list": ("sk_live_canary", 3, None)}) == {"list": ["[hidden]", 3, None]}
    assert redacted("absent") == "absent"


def test_a_bug_is_told_by_its_place_and_without_its_text():
    try:
        {}["ann@" + "example.com"]
    except KeyError as bug:
        told, found = where(bug), place(bug)

    assert "test_telemetry.py" in told
    assert told.endswith("KeyError")
    assert found.startswith("KeyError at ")


def test_errors_of_our_own_keep_their_text():
    assert where(BadPayload("the body is not JSON")).endswith("BadPayload: the body is not JSON")


def test_log_lines_are_json_for_machines(capsys):
    log = Log()
    log.set_up("json")
    log.warning("sink paused", sink="news", api_key="canary")
    logging.getLogger("some.library").warning("to %s", "ann@example.com")

    paused, library = (json.loads(line) for line in capsys.readouterr().err.splitlines())

    assert paused["event"] == "sink paused"
    assert paused["level"] == "warning"
    assert paused["at"].endswith("Z")
    assert paused["api_key"] == "[hidden]"
    assert library == library | {"event": "library said", "library": "some.library", "said": "to %s"}


def test_log_lines_are_text_for_people(capsys):
    log = Log()
    log.set_up("text")
    log.info("hub ready", listen="127.0.0.1:8080")

    assert "hub ready" in capsys.readouterr().err


def test_every_log_event_is_explained():
    assert all(meaning.endswith(".") for meaning in SAID.values())


def test_a_process_tells_its_own_cpu_time_and_memory():
    metrics = Metrics()
    watch_process(metrics, "gateway")
    readings = metrics.readings()

    assert readings["hub_role_cpu_seconds_total"][("gateway",)] > 0
    assert readings["hub_role_memory_bytes"][("gateway",)] > 1_000_000
