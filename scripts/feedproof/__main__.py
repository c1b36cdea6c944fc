"""`python -m scripts.feedproof kill|replay`: prove it, and say what was seen."""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from libs.common.logging import start_logging
from libs.common.testing.private import ServerMissing
from libs.common.testing.servers import private_servers
from libs.common.testing.stage import unique
from scripts.feedproof.bells import Site
from scripts.feedproof.counting import drained
from scripts.feedproof.lives import Cut, Lives
from scripts.feedproof.replaying import Numbers, replay

SIZES = ("embedded", "split")
Proof = Callable[[Site, argparse.Namespace], bool]


def kill(site: Site, given: argparse.Namespace) -> bool:
    """Die `cuts` times between commit and mark; whether nothing is missing anywhere."""
    asyncio.run(site.prepare())
    lives, began = Lives(site), time.monotonic()
    lives.run(given.cuts)
    cut = ", ".join(f"{many} {name}" for name, many in lives.died.items())
    print(f"  {sum(lives.died.values())} SIGKILLs in {time.monotonic() - began:.0f} s: {cut}")
    began = time.monotonic()
    outcome = asyncio.run(drained(site))
    print(f"  drained and counted in {time.monotonic() - began:.1f} s", flush=True)
    for line in outcome.lines():
        print(line)
    return outcome.is_clean


def rebuild(site: Site, given: argparse.Namespace) -> bool:
    """Hear a long log once, then replay it; whether the links are the same to the last byte."""
    numbers = Numbers(given.events, given.conversations)
    return asyncio.run(replay(site, numbers))


@contextmanager
def embedded(folder: Path) -> Iterator[Site]:
    """SQLite and the embedded bus."""
    database = f"sqlite+aiosqlite:///{folder / 'proof.db'}"
    yield Site(folder, database, f"embedded://{folder / 'bus.db'}", "proof")


@contextmanager
def split(folder: Path) -> Iterator[Site]:
    """PostgreSQL and RabbitMQ: those the environment names, or private ones."""
    with private_servers() as found:
        server, name = found["TEST_DATABASE_URL"], unique("proof")
        asyncio.run(_sql(server, f'CREATE DATABASE "{name}"'))
        url = make_url(server).set(database=name).render_as_string(hide_password=False)
        try:
            yield Site(folder, url, found["TEST_BUS_URL"], unique("proof"))
        finally:
            asyncio.run(_sql(server, f'DROP DATABASE "{name}" WITH (FORCE)'))


async def _sql(server: str, statement: str) -> None:
    engine = create_async_engine(server, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


def _prove(size: str, proof: Proof, given: argparse.Namespace) -> bool:
    folder = Path(tempfile.mkdtemp(prefix=f"redress-feedproof-{size}-"))
    print(f"\n{proof.__name__}, {size}", flush=True)
    is_clean = False
    try:
        with {"embedded": embedded, "split": split}[size](folder) as site:
            is_clean = proof(site, given)
    finally:
        if is_clean:
            shutil.rmtree(folder)
        else:
            print(f"  kept for a look: {folder}")
    return is_clean


def main() -> int:
    """Exit code 0 when nothing is missing, invented, out of order or different."""
    parser = argparse.ArgumentParser(prog="python -m scripts.feedproof", description=__doc__)
    parser.add_argument("proof", choices=["kill", "replay"])
    parser.add_argument("--size", choices=[*SIZES, "both"], default="both")
    parser.add_argument("--cuts", type=int, default=1_000, help="SIGKILLs (kill)")
    parser.add_argument("--events", type=int, default=100_000, help="events in the log (replay)")
    parser.add_argument("--conversations", type=int, default=500, help="conversations (replay)")
    given = parser.parse_args()
    start_logging(level="error", form="console")
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    proof = {"kill": kill, "replay": rebuild}[given.proof]
    try:
        sizes = SIZES if given.size == "both" else [given.size]
        clean = [_prove(size, proof, given) for size in sizes]
    except (ServerMissing, Cut, TimeoutError) as failure:
        sys.stderr.write(f"feedproof: {type(failure).__name__} {failure}\n")
        return 1
    print("\n  " + ("clean" if all(clean) else "NOT CLEAN"))
    return 0 if all(clean) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
