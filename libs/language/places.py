"""Places of Nepal by name, in either script and any of the usual spellings."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

from libs.language.inflecting import bare_forms, fold_devanagari
from libs.language.normalising import clean
from libs.language.resources import english_words, load
from libs.language.sounding import is_devanagari, vowel_key

_TELLING = 4


@dataclass(frozen=True, slots=True)
class Place:
    """A province, district or local unit; a local unit carries the code of its district."""

    name_en: str
    name_ne: str | None
    kind: str
    code: str | None = None


class Found(NamedTuple):
    """A place and the words that name it."""

    place: Place
    start: int
    end: int


def find_places(words: Sequence[str]) -> Iterator[Found]:
    """The places named in `words`, which still have their capital letters.

    The longest name wins. A river that shares its name with a place is not a place, and a name
    that is also an everyday word counts only when it is written with a capital. Provinces are
    named after rivers: they count only with the word province beside them.
    """
    _, longest = _gazetteer()
    lowered = [clean(word) for word in words]
    at = 0
    while at < len(words):
        for size in range(min(longest, len(words) - at), 0, -1):
            place = _named(words[at : at + size], lowered[at : at + size], lowered[at + size :][:1])
            if place:
                yield Found(place, at, at + size)
                at += size
                break
        else:
            at += 1


def _named(written: Sequence[str], words: Sequence[str], after: Sequence[str]) -> Place | None:
    names, _ = _gazetteer()
    head = tuple(_keys(word)[0][1] for word in words[:-1])
    for form, key in _keys(words[-1]):
        candidates = names.get((*head, key))
        if candidates and (len(words) > 1 or _plain(written[0], form, candidates)):
            return _chosen(candidates, after[0] if after else "")
    return None


def _plain(written: str, word: str, candidates: Sequence[Place]) -> bool:
    """Whether one word alone may be a name, and not an everyday word that looks like one."""
    if is_devanagari(word):
        return len(word) >= _TELLING - 1
    if word not in english_words() and len(name_key(word)) >= _TELLING:
        return True
    exact = any(word == place.name_en.casefold() for place in candidates)
    distinct = word not in english_words() and len(word) > _TELLING
    return exact and (distinct or written[:1].isupper())


def _chosen(candidates: Sequence[Place], after: str) -> Place | None:
    beside = _beside(after)
    if beside == "river":
        return None
    usable = [place for place in candidates if _rank(place) == (beside or "district")]
    if not usable and not any(place.kind == "province" for place in candidates):
        usable = list(candidates)
    if not usable:
        return None
    first = usable[0]
    alone = len({place.code for place in usable}) == 1
    return first if alone else Place(first.name_en, first.name_ne, first.kind)


def _beside(word: str) -> str:
    """What the word after a name makes of it: a river, a province, a council, or nothing."""
    kinds = neighbours()
    if word.startswith(kinds["council"]):
        return "council"
    return next((kind for kind in ("river", "province") if word in kinds[kind]), "")


def _rank(place: Place) -> str:
    return place.kind if place.kind in {"province", "district"} else "council"


@lru_cache(maxsize=8_192)
def _keys(word: str) -> list[tuple[str, str]]:
    """The forms of `word` without a case ending, each with its key; `word` itself first."""
    return [(form, name_key(form)) for form in bare_forms(word)]


def name_key(word: str) -> str:
    """What two spellings of one word have in common."""
    return fold_devanagari(word) if is_devanagari(word) else vowel_key(word)


@cache
def neighbours() -> dict[str, tuple[str, ...]]:
    """Words beside a name by what they make of it: a river, a province, a council, a ward."""
    return {kind: tuple(words) for kind, words in load("places")["beside"].items()}


@cache
def _gazetteer() -> tuple[dict[tuple[str, ...], list[Place]], int]:
    names: dict[tuple[str, ...], list[Place]] = defaultdict(list)
    for _, place, spellings in listed():
        for spelling in spellings:
            key = tuple(name_key(word) for word in clean(spelling).replace("-", " ").split())
            if place not in names[key]:
                names[key].append(place)
    return dict(names), max(map(len, names))


def listed() -> Iterator[tuple[tuple[str, ...], Place, list[str]]]:
    """Every place: its path from the province down, itself, its names, the English one first."""
    data = load("places")
    for province in data["provinces"]:
        en, ne = province["en"], province["ne"]
        above = (en,)
        yield above, Place(en, ne, "province", province["code"]), [en, ne]
        for district in province["districts"]:
            en, ne, code = district["en"], district["ne"], district["code"]
            path = (*above, en)
            yield path, Place(en, ne, "district", code), [en, ne, *district.get("also", [])]
            for en, ne, kind, _ in district["units"]:
                yield (*path, en), Place(en, ne, data["kinds"][str(kind)], code), [en, ne]
