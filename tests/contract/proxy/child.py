"""The gateway in a process of its own, until its standard input ends."""

import asyncio
import sys
from pathlib import Path

from libs.common.logging import start_logging
from libs.common.web.serving import run
from tests.contract.proxy.door import open_gateway


async def main(folder: str, upstream_port: str) -> None:
    async with open_gateway(Path(folder), int(upstream_port)) as port:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    start_logging(level="error", form="json")
    run(main(*sys.argv[1:]))
