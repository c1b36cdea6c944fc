"""Complaints from a folder of fixtures: `data/authored_grievances_en_ne.jsonl` and `media/`."""

import json
import re
from itertools import cycle
from pathlib import Path
from typing import Any

from scripts.demo.api import Caller, Unexpected
from scripts.demo.chat import Complaint, Conversation
from scripts.demo.filing import Outcome, Photo, Row, by_api, by_chat, each, read_back
from scripts.demo.people import a_phone, guest
from scripts.demo.report import verdict
from scripts.demo.story import Staff, step

PHOTO_EVERY = 10
CONTACT_EVERY = 3


async def authored(anyone: Caller, staff: Staff, folder: Path) -> bool:
    """File the grievances, half by chat and half over the API; say the others in a chat."""
    lines = (folder / "data" / "authored_grievances_en_ne.jsonl").read_text("utf-8").splitlines()
    written = [json.loads(line) for line in lines]
    rows = _rows([line for line in written if line["kind"] == "grievance"], folder)
    step(f"{len(rows)} complaints from {folder}, half by chat and half over the API")

    async def file(numbered: tuple[int, Row]) -> Outcome:
        number, row = numbered
        return await (by_chat if number % 2 == 0 else by_api)(anyone, row)

    outcomes = await each(list(enumerate(rows)), file)
    others = [line for line in written if line["kind"] != "grievance"]

    async def chat(row: dict[str, Any]) -> str | None:
        return await _stray(anyone, row)

    strays = [found for found in await each(others, chat) if found]
    await read_back(staff, outcomes)
    print(f"     → {len(others)} texts that are no grievance were said in a chat, too")
    return verdict(outcomes, strays=strays)


def _rows(written: list[dict[str, Any]], folder: Path) -> list[Row]:
    codes = json.loads((folder / "data" / "category_map.json").read_text("utf-8"))["map"]
    photos = cycle(_photos(folder / "media"))
    rows = []
    for number, line in enumerate(written):
        phone = a_phone() if number % CONTACT_EVERY == 0 else None
        complaint = Complaint(line["text"], None, "Sita Sharma" if phone else None, phone)
        wanted = frozenset(code for label in line["categories"] for code in codes[label])
        photo = next(photos) if _is_with_photo(number) else None
        rows.append(Row(line["id"], line["lang"], complaint, wanted, photo))
    return rows


def _is_with_photo(number: int) -> bool:
    """Every tenth row, by chat and over the API in turn."""
    return number % PHOTO_EVERY == (number // PHOTO_EVERY) % 2


def _photos(media: Path) -> list[Photo]:
    """What `expected.json` calls an image; documents and voices have no door yet."""
    photos = []
    for line in json.loads((media / "expected.json").read_text("utf-8")):
        path, kind, expected = media / line["file"], line["send_as"], line["expect"]
        if kind.startswith("image/") and path.suffix != ".json":
            refused = [int(code) for code in re.findall(r"\d{3}", expected)]
            wanted = tuple(refused) if expected.startswith("reject") else ()
            photos.append(Photo(path.name, kind, path.read_bytes(), wanted))
    return photos


async def _stray(anyone: Caller, row: dict[str, Any]) -> str | None:
    """Say a text that is no grievance; why that went wrong, or None."""
    try:
        citizen = await guest(anyone)
        await Conversation(citizen, "en" if row["lang"] == "en" else "ne").say(row["text"])
        cases = (await citizen.get("/api/v1/grievances")).data["items"]
    except Unexpected as failure:
        return f"{row['id']}: {failure}"
    return f"{row['id']} became a case" if cases else None
