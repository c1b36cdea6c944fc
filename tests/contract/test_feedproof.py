"""`scripts/feedproof`, in small: the log survives SIGKILL, and a replay makes the same again.

In large: `python -m scripts.feedproof kill` (1 000 SIGKILLs), `… replay` (100 000 events).
"""

import asyncio
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVERS = {"TEST_DATABASE_URL", "TEST_BUS_URL", "TEST_REDIS_URL"}
SPLIT = pytest.param(
    "split",
    marks=[
        pytest.mark.postgres,
        pytest.mark.rabbit,
        pytest.mark.redis,
        pytest.mark.skipif(not set(os.environ) >= SERVERS, reason=f"needs {sorted(SERVERS)}"),
    ],
)


@pytest.mark.parametrize("size", ["embedded", SPLIT])
@pytest.mark.parametrize(
    "proof",
    [
        ("kill", "--cuts", "25"),
        ("replay", "--events", "900", "--conversations", "20"),
    ],
    ids=["kill", "replay"],
)
async def test_nothing_is_missing_and_nothing_differs(proof: tuple[str, ...], size: str) -> None:
    """Issue 3, 7: killed between commit and mark; rebuilt byte-equal."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "scripts.feedproof", *proof, "--size", size),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(150):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()

    assert process.returncode == 0, said.decode()
