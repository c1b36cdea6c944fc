"""The project's own samples, in three scripts."""

from scripts.demo.api import Caller
from scripts.demo.chat import Complaint
from scripts.demo.filing import Outcome, Photo, Row, by_api, by_chat, each, read_back
from scripts.demo.people import a_phone
from scripts.demo.report import verdict
from scripts.demo.story import Staff, step
from scripts.samples import Sample, samples
from scripts.samples.picture import photo


async def own(anyone: Caller, staff: Staff) -> bool:
    """File them, by chat and over the API in turn, and print what became of each."""
    step("The project's own samples: English, Devanagari and romanised Nepali")
    rows = [_row(number, sample) for number, sample in enumerate(samples())]

    async def file(row: Row) -> Outcome:
        return await (by_chat if rows.index(row) % 2 == 0 else by_api)(anyone, row)

    outcomes = await each(rows, file)
    await read_back(staff, outcomes)
    print()
    for outcome in outcomes:
        found = ", ".join(outcome.case["categories"]) if outcome.case else "not found"
        mark = "✓" if outcome.is_hit(1) else "·"
        print(f"  {mark} {outcome.row.language:8}{found:52.52}{outcome.row.complaint.text[:52]}")
    return verdict(outcomes, strays=[])


def _row(number: int, sample: Sample) -> Row:
    name, phone = (None, None) if sample.is_seah else ("Sita Sharma", a_phone())
    picture = Photo("photo.jpg", "image/jpeg", photo(sample.place)) if number % 5 == 0 else None
    complaint = Complaint(sample.text, sample.place, name, phone)
    return Row(sample.id, sample.language, complaint, frozenset(sample.categories), picture)
