"""Where a place lies: `Dharan`, `धरान` and `P1_SUN/dharan` are all `Koshi/Sunsari/Dharan`."""

from collections import defaultdict
from collections.abc import Iterator
from functools import cache, lru_cache

from libs.language.normalising import clean
from libs.language.places import name_key, neighbours
from libs.language.resources import load

SEPARATOR = "/"
PROVINCE = 1
"""How long its path is."""

_Path = tuple[str, ...]


@lru_cache(maxsize=4_096)
def path_of(words: str, *, widest: bool = False) -> str:
    """The path of a place from its province down, in English: `Koshi/Sunsari/Dharan`.

    `words` are a name in either script, a code, or a path of these that may leave levels out; what
    lies below the last place we know stays as it is written. A name that a district shares with a
    town is the town's, or the district's if `widest`; a province's name is the province's always.
    Words that name no place, or several of one size, are answered as they are.
    """
    named = words.split(SEPARATOR)
    found: list[_Path] = [()]
    known = 0
    while known < len(named) and (inside := _inside(found, named[known])):
        found, known = inside, known + 1
    path = _the_one(found, widest=widest and known == len(named))
    return SEPARATOR.join((*path, *named[known:])) if path else words


def _inside(places: list[_Path], name: str) -> list[_Path]:
    return [path for path in _named(name) if any(_is_below(path, each) for each in places)]


def _is_below(path: _Path, place: _Path) -> bool:
    return len(path) > len(place) and path[: len(place)] == place


def _the_one(paths: list[_Path], *, widest: bool) -> _Path:
    """The smallest of these places, or the widest, that is alone of its size."""
    by_size = defaultdict(list)
    for path in paths:
        by_size[len(path)].append(path)
    sizes = sorted(by_size, reverse=not (widest or PROVINCE in by_size))
    return next((by_size[size][0] for size in sizes if len(by_size[size]) == 1), ())


def _named(name: str) -> list[_Path]:
    code = name.strip().upper()
    return _by_code().get(code) or _by_name().get(_keys(name), [])


def _keys(name: str) -> tuple[str, ...]:
    """The name alone: `Dharan Sub-Metropolitan City` is called Dharan."""
    words = clean(name).replace("-", " ").split()
    council = neighbours()["council"]
    end = next((at for at, word in enumerate(words) if at and word.startswith(council)), len(words))
    return tuple(map(name_key, words[:end]))


@cache
def _by_name() -> dict[tuple[str, ...], list[_Path]]:
    found: dict[tuple[str, ...], list[_Path]] = defaultdict(list)
    for path, _, names in _places():
        for key in {_keys(name) for name in names}:
            found[key].append(path)
    return dict(found)


@cache
def _by_code() -> dict[str, list[_Path]]:
    return {code: [path] for path, code, _ in _places() if code}


def _places() -> Iterator[tuple[_Path, str | None, list[str]]]:
    """Every place with its path, its code and its names."""
    for province in load("places")["provinces"]:
        above = (province["en"],)
        yield above, province["code"], [province["en"], province["ne"]]
        for district in province["districts"]:
            path = (*above, district["en"])
            yield (
                path,
                district["code"],
                [district["en"], district["ne"], *district.get("also", [])],
            )
            for english, nepali, *_ in district["units"]:
                yield (*path, english), None, [english, nepali]
