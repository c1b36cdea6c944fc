"""Our gateway alone with an embedded bus: what `python -m services` runs, without the services.

`python -m bench.gateway.launcher [calls|samples FILE]` writes a profile of itself when it ends.
"""

import sys
from pathlib import Path

from bench.gateway.profile import PROFILERS
from libs.common.bus.factory import open_bus
from libs.common.cli import make_keys, observe
from libs.common.settings import SharedSettings
from libs.common.web.serving import Site, admin, bind, run, serve
from services.gateway.app import create_app
from services.gateway.settings import GatewaySettings


async def main(shared: SharedSettings) -> None:
    """Serve until told to stop."""
    bus = open_bus(shared.bus, name="bench")
    try:
        front = create_app(GatewaySettings(shared=shared), bus=bus)
        door, inner = bind(shared.host, shared.port), bind("127.0.0.1", shared.admin_port)
        await serve([front.site(door), Site(admin, inner)], shared)
    finally:
        await bus.close()


if __name__ == "__main__":
    chosen = SharedSettings()
    observe(chosen)
    make_keys(chosen, "gateway")
    if len(sys.argv) > 1:
        PROFILERS[sys.argv[1]](lambda: run(main(chosen)), Path(sys.argv[2]))
    else:
        run(main(chosen))
