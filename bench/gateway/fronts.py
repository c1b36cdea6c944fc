"""What is compared, and the proof that each does what it is compared for."""

import http.client
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from bench.gateway.cores import Cores
from bench.gateway.credentials import Credentials
from bench.gateway.haproxy import HAProxy
from bench.gateway.load import Spoiled
from bench.gateway.nginx import LARGE_BUFFERS, NginxProxy, Upstream
from bench.gateway.ours import OurGateway
from bench.gateway.paths import ANSWER, SMALL, UP, Targets
from bench.gateway.sink import Sink
from bench.processes import tree
from libs.common.testing.private import PrivateServer

DIRECT, NGINX, ES256, BARE, OURS = "direct", "nginx", "haproxy ES256", "haproxy", "ours"
TUNED = "nginx tuned"
STRANGERS_REFUSED = (ES256, OURS)
ANSWER_SECONDS = 10


@dataclass(frozen=True)
class Front:
    """One way to the upstream."""

    name: str
    server: PrivateServer
    uploads: PrivateServer

    @property
    def pids(self) -> list[int]:
        """Its processes."""
        return tree(self.server.pid)

    def url(self, path: str) -> str:
        """Where wrk asks for `path`."""
        return (self.uploads if path == UP else self.server).url + path


@dataclass(frozen=True)
class Field:
    """All fronts, running."""

    fronts: dict[str, Front]
    ours: OurGateway


@contextmanager
def running(cores: Cores, credentials: Credentials) -> Iterator[Field]:
    """Start everything, look whether it does what it should, and end everything."""
    with ExitStack() as stack:
        upstream = stack.enter_context(Upstream(cores.upstream))
        sink = stack.enter_context(Sink(cores.upstream))
        targets = Targets(upstream.port, sink.port)
        ours = OurGateway(cores.front, targets, credentials.keys)
        servers: dict[str, PrivateServer] = {
            DIRECT: upstream,
            NGINX: stack.enter_context(NginxProxy(cores.front, targets)),
            TUNED: stack.enter_context(NginxProxy(cores.front, targets, LARGE_BUFFERS)),
            ES256: stack.enter_context(HAProxy(cores.front, targets, credentials.public_pem)),
            BARE: stack.enter_context(HAProxy(cores.front, targets)),
            OURS: stack.enter_context(ours),
        }
        fronts = {
            name: Front(name, server, sink if name == DIRECT else server)
            for name, server in servers.items()
        }
        for front in fronts.values():
            prove(front, credentials)
        yield Field(fronts, ours)


def prove(front: Front, credentials: Credentials) -> None:
    """Raises Spoiled unless `front` answers whom it should, and nobody else."""
    status, body = _ask(front.server.port, credentials.one)
    if (status, body) != (200, ANSWER.encode()):
        raise Spoiled(f"{front.name} answers {status} {body[:200]!r}")
    for what, token in credentials.refused.items():
        status, _ = _ask(front.server.port, token)
        if front.name in STRANGERS_REFUSED and status != http.client.UNAUTHORIZED:
            raise Spoiled(f"{front.name} answers {status} to a caller with: {what}")


def _ask(port: int, token: str | None) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)) as asking:
        asking.request("GET", SMALL, headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = asking.getresponse()
        return answer.status, answer.read()
