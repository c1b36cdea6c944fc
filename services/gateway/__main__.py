"""`python -m services.gateway`: the door alone, in front of services that run elsewhere."""

from libs.common.cli import main
from services.gateway.app import create_app
from services.gateway.settings import GatewaySettings

if __name__ == "__main__":
    main("gateway", create_app, GatewaySettings)
