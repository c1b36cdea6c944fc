"""Spans that nobody gathers."""

import socket

from opentelemetry.sdk.trace.export import SpanExportResult

from libs.common.telemetry import Collector


def test_a_collector_that_is_away_loses_spans_and_raises_nothing() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        collector = Collector(f"http://127.0.0.1:{taken.getsockname()[1]}/v1/traces")

        assert collector.export([]) is SpanExportResult.FAILURE
    collector.shutdown()
