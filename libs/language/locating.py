"""Where a place lies: `Dharan`, `धरान` and `P1_SUN/dharan` are all `Koshi/Sunsari/Dharan`."""

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import takewhile

from libs.language.normalising import clean
from libs.language.places import Place, listed, name_key, neighbours

SEPARATOR = "/"
PROVINCE, DISTRICT, TOWN = 1, 2, 3
"""How long their paths are."""

_Path = tuple[str, ...]
_SIZES = {"province": PROVINCE, "district": DISTRICT, "council": TOWN}
_WIDER = frozenset({"province", "district"})


@lru_cache(maxsize=4_096)
def path_of(words: str, *, widest: bool = False) -> str:
    """The path of a place from its province down, in English: `Koshi/Sunsari/Dharan`.

    `words` are a name in either script, a code, a path of these that may leave levels out, or the
    same from the smallest up with commas; what lies below the last place we know stays as it is
    written. `Parsa District` says which size is meant. A province's name is the province's; one
    that a district shares with a town of its own is the town's, or the district's if `widest`.
    Words that name no place, or several of one size, are answered as they are.
    """
    plain = unicodedata.normalize("NFKC", words)
    if SEPARATOR not in plain and "," in plain:
        upwards = [part for part in plain.split(",") if not _is_ward(part)]
        return _located(upwards[::-1], widest=widest, whole=True) or words
    levels = [part for part in plain.split(SEPARATOR) if part.strip()]
    return _located(levels, widest=widest, whole=False) or words


def nearest(places: Sequence[Place]) -> str | None:
    """What a message that names `places` is filed under: its first town, or else its district.

    A town that has namesakes is named with the district the message names.
    """
    districts = [place.name_en for place in places if place.kind == "district"]
    town = next((place.name_en for place in places if place.kind not in _WIDER), None)
    if town is None:
        return districts[0] if districts else None
    if path_of(town) == town:
        within = (f"{district}{SEPARATOR}{town}" for district in districts)
        return next((each for each in within if path_of(each).count(SEPARATOR) == TOWN - 1), town)
    return town


def _located(levels: list[str], *, widest: bool, whole: bool) -> str:
    """The path of names from the widest down; nothing if they lead nowhere (`whole`: all)."""
    found: list[_Path] = [()]
    known = 0
    while known < len(levels) and (inside := _inside(found, levels[known])):
        found, known = inside, known + 1
    if whole and known < len(levels):
        return ""
    spelled_out = next((path for path in found if len(path) == known), None)
    path = spelled_out or _the_one(found, widest=widest and known == len(levels))
    return SEPARATOR.join((*path, *(level.strip() for level in levels[known:]))) if path else ""


def _inside(places: list[_Path], name: str) -> list[_Path]:
    return [path for path in _named(name) if any(_is_below(path, each) for each in places)]


def _is_below(path: _Path, place: _Path) -> bool:
    return len(path) > len(place) and path[: len(place)] == place


def _the_one(paths: list[_Path], *, widest: bool) -> _Path:
    """The one place that is meant, if one is."""
    by_size = defaultdict(list)
    for path in paths:
        by_size[len(path)].append(path)
    alone = {size: found[0] for size, found in by_size.items() if len(found) == 1}
    if widest:
        return next((alone[size] for size in sorted(alone)), ())
    town, district = alone.get(TOWN, ()), alone.get(DISTRICT, ())
    return town if not district or _is_below(town, district) else district


def _named(name: str) -> list[_Path]:
    words = clean(name).replace("-", " ").split()
    said = [(word, _size(word)) for word in words]
    # What comes after the name says its size: `Dharan Sub-Metropolitan City`, `Sunsari District`.
    bare = [word for word, _ in takewhile(lambda each: each[1] is None, said[1:])]
    size = next((size for _, size in said[1:] if size), None)
    known = words[:1] + [word for word in bare if not _is_ward(word)]
    found = _by_code().get(name.strip().upper()) or _by_name().get(_keys(known), [])
    return [path for path in found if size in {None, len(path)}]


def _size(word: str) -> int | None:
    """The size of what has this word beside its name."""
    for kind, size in _SIZES.items():
        if word.startswith(neighbours()[kind]):
            return size
    return None


def _is_ward(word: str) -> bool:
    """`5`, `ward`, `वडा नं ५`: it says where in a town, and is kept apart from it."""
    return all(part.isdecimal() or part in neighbours()["ward"] for part in clean(word).split())


def _keys(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(map(name_key, words))


@cache
def _by_name() -> dict[tuple[str, ...], list[_Path]]:
    """Places by each of their names; those that share the English one share all."""
    alike: dict[tuple[str, ...], tuple[list[_Path], set[tuple[str, ...]]]] = {}
    for path, _, names in listed():
        keys = [_keys(clean(name).replace("-", " ").split()) for name in names]
        paths, all_keys = alike.setdefault(keys[0], ([], set()))
        paths.append(path)
        all_keys.update(keys)
    found: dict[tuple[str, ...], list[_Path]] = defaultdict(list)
    for paths, all_keys in alike.values():
        for key in all_keys:
            found[key] += paths
    return dict(found)


@cache
def _by_code() -> dict[str, list[_Path]]:
    return {
        place.code: [path] for path, place, _ in listed() if place.code and place.kind in _WIDER
    }
