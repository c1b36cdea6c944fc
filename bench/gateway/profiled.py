"""Our gateway alone under load, profiled."""

from bench.gateway.cores import Cores
from bench.gateway.credentials import Credentials
from bench.gateway.load import Load
from bench.gateway.nginx import Upstream
from bench.gateway.ours import OurGateway
from bench.gateway.paths import SMALL, Targets

CONNECTIONS = 32


def profiled(how: str, cores: Cores, credentials: Credentials, load: Load, seconds: int) -> str:
    """What the profiler `how` found in `seconds` of small answers."""
    found = credentials.tokens.with_name("profile")
    with Upstream(cores.upstream) as upstream:
        targets = Targets(upstream.port, upstream.port)
        with OurGateway(cores.front, targets, credentials.keys, how, str(found)) as ours:
            result = load.run(ours.url + SMALL, connections=CONNECTIONS, seconds=seconds)
        return f"{result.rate:.0f} req/s while profiled\n{found.read_text()}"
