"""Whether everything that was promised to filers is there, once, and nothing else."""

import asyncio
import time
from collections import Counter

from scripts.siege.asks import Filing
from scripts.siege.besieged import Besieged
from scripts.siege.reporting import Check, none_of
from scripts.torture.counting import unfinished
from scripts.torture.rows import Rows, rows_of

WAITED_SECONDS = 120.0


async def missing(rows: Rows, *filings: Filing) -> Check:
    """Acknowledged ones of all `filings` without a row, rows there twice, rows nobody asked for."""
    found = await rows.cases(set().union(*(filing.asked for filing in filings)))
    seen = Counter(reference for reference, _ in found if reference)
    acked = {pair for filing in filings for pair in filing.acked.items()}
    lost = [f"{reference} lost" for reference, _ in acked - set(found)]
    twice = [f"{reference} twice" for reference, times in seen.items() if times > 1]
    ghosts = [f"{name} unasked for" for reference, name in found if reference is None]
    wrong = lost + twice + ghosts
    return none_of("accepted filings lost, doubled or invented", len(wrong), len(acked), wrong)


async def quiet(system: Besieged) -> float:
    """Seconds until nothing waits in an outbox, a queue or an open task any more."""
    rows, began = rows_of(system), time.monotonic()
    while time.monotonic() - began < WAITED_SECONDS:
        if await unfinished(rows) == 0:
            break
        await asyncio.sleep(0.5)
    return time.monotonic() - began
