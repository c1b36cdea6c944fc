"""`python -m scripts.siege.door`: the gateway as it is served, with a bus file of its own.

`python -m services.gateway` wants a broker; what is proved of the gateway alone needs none.
"""

from libs.common.bus.factory import open_bus
from libs.common.cli import make_keys, observe
from libs.common.settings import SERVICES, SharedSettings
from libs.common.web.serving import Site, admin, bind, run, serve
from services.gateway.app import create_app
from services.gateway.settings import GatewaySettings


async def main(shared: SharedSettings) -> None:
    """Serve until told to stop."""
    make_keys(shared, "gateway", *SERVICES)
    bus = open_bus(shared.bus, name="gateway", prefix=shared.bus_prefix)
    app = create_app(GatewaySettings(shared=shared), bus=bus)
    door = app.site(bind(shared.host, shared.port))
    inner = Site(admin, bind("127.0.0.1", shared.admin_port))
    try:
        await serve([door, inner], shared)
    finally:
        await bus.close()


if __name__ == "__main__":
    settings = SharedSettings()
    observe(settings)
    run(main(settings))
