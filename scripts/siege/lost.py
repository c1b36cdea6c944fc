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
SQL = "SELECT client_reference, grievance_id FROM grievances"


async def missing(rows: Rows, *filings: Filing) -> Check:
    """Acknowledged filings without a row, rows there twice, rows nobody asked for."""
    found = [(reference, name) for reference, name in await rows.ask("grievance", SQL)]
    seen = Counter(reference for reference, _ in found)
    acked = {pair for filing in filings for pair in filing.acked.items()}
    asked = set().union(*(filing.asked for filing in filings))
    marks = tuple(f"{filing.mark}-" for filing in filings)
    lost = [f"{reference} lost" for reference, _ in acked - set(found)]
    twice = [f"{reference} twice" for reference, times in seen.items() if reference and times > 1]
    ghosts = [
        f"{reference} unasked for"
        for reference in seen
        if reference and reference.startswith(marks) and reference not in asked
    ]
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
