"""S3-02a, S3-02c, S4-05a, S4-20c: what is remembered changes how soon, and nothing else."""

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest

from libs.common.errors import Forbidden
from libs.common.principal import Role
from libs.common.tokens import InvalidToken, signing, verifying
from services.gateway.domain import callers, entrance as entrances, ways
from services.gateway.domain.entrance import Entrance
from services.gateway.domain.refusals import AddressNotAllowed
from services.gateway.domain.verdicts import RateLimited
from tests.unit.gateway.entrances import (
    API_KEY,
    HOME,
    OFFICE,
    PROXY,
    House,
    Outcome,
    Request,
    ask,
    ask_afresh,
)

LIMITS: Mapping[str, ModuleType] = {
    "MAX_KNOWN": callers,
    "MAX_WAYS": ways,
    "MAX_TERMS": entrances,
}
"""What bounds each memory, and where it says so."""
KINDS = ("anonymous", "guest", "user", "key", "staff", "admin")
PLENTY = {
    "default": {kind: 10**6 * (number + 1) for number, kind in enumerate(KINDS)},
    "webhook": {"anonymous": 10**6, "key": 2 * 10**6},
    "address": {"anyone": 10**9},
}
"""Nobody runs out, whose allowance it was can be told, and the address's is never the tightest."""
NETWORKS = {"staff": [f"{OFFICE}/32"], "export": ["203.0.113.0/24"]}
METHODS = ("GET", "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS")
TARGETS = (
    b"/open", b"/open?a=%00", b"/hook", b"/things", b"/things?limit=5", b"/things?a=%zz",
    b"/things?a=%ff", b"/things/1", b"/things/1/", b"/things/" + b"x" * 600, b"/report", b"/mine",
    b"/desk", b"/rules", b"/sealed", b"/sealed?q=%e0%a4%95", b"/readyz", b"/nothing",
    b"http://other.test/things", b"http://evil.test/things",
)  # fmt: skip
HOSTS = (b"OTHER.test:80", b"evil.test", b"", None)
PEERS = (HOME, OFFICE, PROXY, PROXY, "")
EXTRAS = (
    (),
    ((b"origin", b"https://page.test"),),
    ((b"origin", b"https://evil.test"),),
    ((b"origin", b"https://page.test"), (b"access-control-request-method", b"PUT")),
    ((b"origin", b"https://evil.test"), (b"access-control-request-method", b"PUT")),
    ((b"x-forwarded-for", OFFICE.encode()),),
    ((b"x-forwarded-for", HOME.encode()), (b"x-forwarded-for", OFFICE.encode())),
    ((b"x-forwarded-for", b"nonsense"), (b"x-forwarded-proto", b"https")),
    ((b"x-forwarded-for", OFFICE.encode()), (b"x-forwarded-proto", b"https")),
    ((b"x-forwarded-proto", b"http"),),
    ((b"content-type", b"application/json"), (b"content-length", b"7")),
    ((b"content-type", b"text/plain"), (b"content-length", b"7")),
    ((b"content-type", b"text/plain"), (b"transfer-encoding", b"chunked")),
    ((b"content-encoding", b"gzip"),),
    ((b"content-length", b"3000"),),
    ((b"x-api-key", API_KEY.encode()),),
    ((b"x-api-key", b"rdr_live_wrong"),),
    ((b"user-agent", b"test"), (b"cookie", b"a=b")),
)


class Clock:
    """Both clocks, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def utc_now(self) -> datetime:
        return datetime(2026, 3, 2, tzinfo=UTC) + timedelta(seconds=self.seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(verifying, "monotonic", clock.monotonic)
    monkeypatch.setattr(verifying, "utc_now", clock.utc_now)
    monkeypatch.setattr(signing, "utc_now", clock.utc_now)
    monkeypatch.setattr(callers, "monotonic", clock.monotonic)
    return clock


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path, limits=PLENTY)


def tokens_of(house: House) -> list[str | None]:
    sign = house.signer.sign
    known = [
        sign("g:1", Role.GUEST),
        sign("g:2", Role.GUEST),
        sign("7", Role.CITIZEN),
        sign("8", Role.INTAKE_OFFICER),
        sign("9", Role.SEAH_HQ_OFFICER),
        sign("10", Role.SUPER_ADMIN),
    ]
    forged = known[0][:-4] + ("AAAA" if known[0][-4:] != "AAAA" else "BBBB")
    expired = sign("7", Role.CITIZEN, seconds=-120)
    return [*known, *known, None, "", "garbage", "two words", forged, expired, API_KEY]


def requests(house: House, dice: random.Random) -> list[Request]:
    """Families of requests that differ in one thing, or in none."""
    known = tokens_of(house)
    usual: tuple[tuple[bytes, bytes], ...] = ()
    peers: tuple[str, ...] = PEERS
    if house.https_only:
        usual, peers = ((b"x-forwarded-proto", b"https"),), (*PEERS, *[PROXY] * 10)
    made = []
    for _ in range(80):
        method, target = dice.choice(METHODS), dice.choice(TARGETS)
        first = Request(method, target, dice.choice(peers), usual, token=dice.choice(known))
        made += [
            first,
            replace(first, method=dice.choice(METHODS)),
            replace(first, target=dice.choice(TARGETS)),
            replace(first, peer=dice.choice(PEERS)),
            *(replace(first, headers=(*usual, *each)) for each in dice.sample(EXTRAS, 6)),
            replace(first, headers=dice.choice(EXTRAS)),
            replace(first, host=dice.choice(HOSTS)),
            *(replace(first, token=each) for each in dice.sample(known, 3)),
        ]
    return made


@pytest.mark.parametrize(
    ("seed", "https_only", "limit"), [(1, False, 10**6), (2, True, 10**6), (3, False, 3)]
)
async def test_what_is_remembered_changes_no_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, https_only: bool, limit: int
) -> None:
    for name, module in LIMITS.items():
        monkeypatch.setattr(module, name, min(limit, getattr(module, name)))
    house = House(tmp_path, limits=PLENTY, networks=NETWORKS, https_only=https_only)
    dice = random.Random(seed)  # noqa: S311
    made = requests(house, dice)
    wanted = [await ask_afresh(house.entrance(), request) for request in made]
    remembering = house.entrance()

    order = [*range(len(made))] * 3
    dice.shuffle(order)
    changed = [made[at] for at in order if await ask(remembering, made[at]) != wanted[at]]
    unknown = [await ask(house.entrance(), request) for request in made]

    assert changed == []
    assert unknown == wanted
    assert len({outcome.refusal for outcome in wanted}) >= 10
    assert sum(outcome.refusal is type(None) for outcome in wanted) >= 20


@pytest.mark.parametrize(
    ("method", "lines"),
    [
        ("GET", [(b"content-encoding", b"gzip")]),
        ("POST", [(b"content-length", b"3000")]),
        ("POST", [(b"content-length", b"7"), (b"content-type", b"text/plain")]),
    ],
    ids=["compressed", "too large", "another media type"],
)
async def test_a_body_is_judged_though_the_caller_was_let_in_without_one(
    house: House, method: str, lines: list[tuple[bytes, bytes]]
) -> None:
    entrance = house.entrance()
    plain = Request(method, token=house.signer.sign("g:1", Role.GUEST))
    with_body = replace(plain, headers=tuple(lines))

    before = await ask(entrance, plain)
    after = await ask(entrance, with_body)

    assert before.refusal is type(None)
    assert after == await ask_afresh(house.entrance(), with_body)
    assert after.refusal is not type(None)


@pytest.mark.parametrize(("life", "first_no"), [(10, 71), (-30, 31), (-59, 2), (900, 961)])
async def test_a_remembered_token_is_refused_once_it_expires(
    house: House, clock: Clock, life: int, first_no: int
) -> None:
    """Reliability (security) row 8: a minute of leeway, and not a moment of memory beyond it."""
    request = Request(token=house.signer.sign("7", Role.CITIZEN, seconds=life))
    entrance = house.entrance()
    begun = clock.seconds
    for seconds in range(0, first_no - 1, max(1, first_no // 40)):
        clock.seconds = begun + seconds
        assert (await ask(entrance, request)).refusal is type(None)

    clock.seconds = begun + first_no
    refused = await ask(entrance, request)

    assert code(refused) == InvalidToken.code
    assert refused.principal is None


async def test_terms_of_one_network_do_not_serve_another(tmp_path: Path) -> None:
    house = House(tmp_path, networks=NETWORKS)
    entrance = house.entrance()
    desk = Request(target=b"/desk", token=house.signer.sign("8", Role.INTAKE_OFFICER))

    seen = []
    for _ in range(2):
        inside = await ask(entrance, replace(desk, peer=OFFICE))
        outside = await ask(entrance, replace(desk, peer=HOME))
        through = await ask(entrance, at(PROXY, desk, OFFICE))
        past = await ask(entrance, at(PROXY, desk, HOME))
        pretending = await ask(entrance, at(HOME, desk, OFFICE))
        seen.append([code(each) for each in (inside, outside, through, past, pretending)])

    no = AddressNotAllowed.code
    assert seen == [[None, no, None, no, no]] * 2


async def test_a_class_is_closed_to_an_address_whoever_was_let_in_from_elsewhere(
    tmp_path: Path,
) -> None:
    house = House(tmp_path, networks=NETWORKS)
    entrance = house.entrance()
    report = Request(target=b"/report", token=house.signer.sign("7", Role.CITIZEN))

    said = [code(await ask(entrance, replace(report, peer=peer))) for peer in (HOME, OFFICE) * 2]

    assert said == [None, AddressNotAllowed.code] * 2


async def test_each_address_pays_for_itself(tmp_path: Path) -> None:
    house = House(tmp_path, limits={"address": {"anyone": 2}})
    entrance = house.entrance()
    request = Request(token=house.signer.sign("7", Role.CITIZEN))

    said = [code(await ask(entrance, request)) for _ in range(3)]
    elsewhere = code(await ask(entrance, replace(request, peer=OFFICE)))

    assert (said, elsewhere) == ([None, None, RateLimited.code], None)


async def test_who_is_forbidden_stays_forbidden_and_pays_for_asking(tmp_path: Path) -> None:
    house = House(tmp_path, limits={"default": {"guest": 5}})
    entrance = house.entrance()
    guest = house.signer.sign("g:1", Role.GUEST)
    let_in = Request(token=guest)
    forbidden = replace(let_in, target=b"/desk")

    said = [code(await ask(entrance, each)) for each in [let_in, *[forbidden] * 4, forbidden]]
    after = code(await ask(entrance, let_in))

    assert said == [None, *[Forbidden.code] * 4, RateLimited.code]
    assert after == RateLimited.code


async def test_what_one_may_do_is_not_what_another_may_do(house: House) -> None:
    entrance = house.entrance()
    officer, citizen = (
        Request(target=b"/desk", token=house.signer.sign("7", role))
        for role in (Role.INTAKE_OFFICER, Role.CITIZEN)
    )

    said = [code(await ask(entrance, each)) for each in (officer, citizen) * 3]

    assert said == [None, Forbidden.code] * 3


@pytest.mark.parametrize("name", LIMITS)
async def test_memories_are_bounded(
    house: House, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(LIMITS[name], name, 3)
    entrance = house.entrance()
    tokens = [house.signer.sign(f"g:{number}", Role.GUEST) for number in range(7)]
    largest = 0

    for token in tokens:
        for thing in range(7):
            request = Request(target=b"/things/%d" % thing, token=token)
            assert code(await ask(entrance, request)) is None
            largest = max(largest, sizes(entrance)[name])

    assert largest == 3


async def test_strangers_and_what_is_long_are_not_remembered(house: House) -> None:
    """What is kept has a size in bytes, too: a padded header is no way to fill a memory."""
    entrance = house.entrance()
    token = house.signer.sign("g:1", Role.GUEST)
    long = Request(target=b"/things/" + b"x" * 1200, token=token)

    await ask(entrance, replace(long, token="garbage"))
    await ask(entrance, replace(long, host=b"evil.test", target=b"/things"))
    await ask(entrance, replace(long, token=None))
    padded = ((b"origin", b"https://" + b"x" * 1200),)
    await ask(entrance, replace(long, target=b"/things", token=" " * 1000 + token, headers=padded))

    assert sizes(entrance) == {"MAX_KNOWN": 0, "MAX_WAYS": 0, "MAX_TERMS": 0}


def at(peer: str, request: Request, forwarded: str) -> Request:
    return replace(request, peer=peer, headers=((b"x-forwarded-for", forwarded.encode()),))


def code(outcome: Outcome) -> str | None:
    return str(outcome.refusal[0]) if isinstance(outcome.refusal, tuple) else None


def sizes(entrance: Entrance) -> dict[str, int]:
    known = entrance._callers._known
    return {
        "MAX_KNOWN": len(known),
        "MAX_WAYS": len(entrance._ways._found),
        "MAX_TERMS": max((len(each.terms) for each in known.values()), default=0),
    }
