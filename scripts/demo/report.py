"""What became of many complaints, in one table, and whether that is good enough."""

from collections.abc import Sequence

from scripts.demo.filing import Outcome

LEAST_TOP_1 = 0.60


def verdict(outcomes: Sequence[Outcome], *, strays: Sequence[str]) -> bool:
    """Print the table; whether nothing was lost, misjudged or misread too often."""
    filed = [each for each in outcomes if each.grievance_id]
    lost = [each for each in filed if each.case is None]
    photos = [each for each in outcomes if each.row.photo]
    wrong = [each for each in photos if not each.is_photo_right]
    accepted = sum(each.photo_verdict == "ready" for each in photos)
    failed = [each for each in outcomes if each.failure]
    top_1, top_3 = (_share([each.is_hit(among) for each in filed]) for among in (1, 3))
    print(f"\n  {'language':12}{'filed':>7}{'top-1':>8}{'top-3':>8}")
    for language in sorted({each.row.language for each in outcomes}):
        some = [each for each in filed if each.row.language == language]
        shares = (_share([each.is_hit(among) for each in some]) for among in (1, 3))
        print(f"  {language:12}{len(some):7}" + "".join(f"{share:8.2f}" for share in shares))
    print(f"  {'all':12}{len(filed):7}{top_1:8.2f}{top_3:8.2f}   (top-1 at least {LEAST_TOP_1})")
    print(
        f"\n  filed {len(filed)} of {len(outcomes)}, lost {len(lost)}\n"
        f"  photos accepted {accepted}, refused {len(photos) - accepted},"
        f" as expected {len(photos) - len(wrong)} of {len(photos)}\n"
        f"  texts that became a case and should not: {len(strays)}"
    )
    _complain(failed, lost, wrong, strays)
    return not (failed or lost or wrong or strays) and top_1 >= LEAST_TOP_1


def _complain(
    failed: Sequence[Outcome],
    lost: Sequence[Outcome],
    wrong: Sequence[Outcome],
    strays: Sequence[str],
) -> None:
    for each in failed:
        print(f"  ✗ {each.row.id}: {each.failure}")
    for each in lost:
        print(f"  ✗ {each.row.id}: {each.grievance_id} is not there")
    for each in wrong:
        photo = each.row.photo
        assert photo
        wanted = f"refused with {photo.refused}" if photo.refused else "accepted"
        print(f"  ✗ {each.row.id}: {photo.name} should be {wanted}, was {each.photo_verdict}")
    for stray in strays:
        print(f"  ✗ {stray}")


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits) if hits else 0.0
