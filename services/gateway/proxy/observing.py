"""What is known of a request afterwards: one line in the log, and its place in the metrics."""

import json
from functools import lru_cache

from prometheus_client import Counter

from libs.common.clock import monotonic
from libs.common.logging import AccessLog
from services.gateway.proxy.exchange import Exchange
from services.gateway.proxy.timings import TIMINGS, Tally

REFUSALS = Counter(
    "redress_gateway_refusals", "Requests the door itself refused, by reason.", ["route", "code"]
)
_quoted = lru_cache(maxsize=10_000)(json.dumps)


class Observer:
    """Counts and logs exchanges."""

    def __init__(self) -> None:
        self._log = AccessLog("request.answered", service="gateway")

    def saw(self, exchange: Exchange) -> None:
        """Note how it went."""
        asked, refused = exchange.asked, exchange.refused
        seconds = monotonic() - exchange.started
        key = (asked.method, exchange.route, exchange.status)
        tally = TIMINGS.tallies.get(key)
        if tally is None:
            service = asked.entry.service if asked.entry else None
            tally = TIMINGS.tallies[key] = Tally(key, service)
        tally.note(seconds, exchange.upstream_seconds)
        line = (
            f'"request_id":"{exchange.request_id}","method":"{key[0]}","route":"{key[1]}",'
            f'"status":{key[2]},"duration_ms":{seconds * 1000:.2f},'
            f'"bytes_in":{exchange.inbound.taken},"bytes_out":{exchange.out.sent}'
        )
        if asked.principal:
            line += f',"principal":{_quoted(asked.principal.id)},"role":"{asked.principal.role}"'
        if asked.traceparent:
            line += f',"trace_id":"{asked.traceparent[3:35].decode()}"'
        if refused:
            line += f',"code":"{refused.code}"'
            REFUSALS.labels(key[1], refused.code).inc()
        self._log.line(line)

    def settle(self) -> None:
        """Hand over what was counted."""
        for tally in list(TIMINGS.tallies.values()):
            tally.hand_over()
