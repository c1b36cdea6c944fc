"""Issue 4, must show 3: the measurement can tell, both ways, on a machine that is busy."""

import random

import pytest

from bench.identity_enumeration import Compared


@pytest.mark.parametrize(
    ("longer", "verdict"), [(0.0, "alike"), (1.0, "alike"), (4.0, "apart"), (-4.0, "apart")]
)
def test_two_hundred_pairs_tell_two_milliseconds_in_a_drifting_noise(
    longer: float, verdict: str
) -> None:
    chance = random.Random(7)  # noqa: S311 - no secret
    pairs = []
    for each in range(200):
        busy = 20 + each / 10
        known, unknown = (busy + chance.gauss(0, 3) for _ in range(2))
        pairs.append((known + longer, unknown))

    found = Compared.of(pairs)

    assert found.verdict == verdict
    assert found.least < found.apart < found.most


def test_a_noise_that_drowns_it_is_said_to_do_so() -> None:
    chance = random.Random(7)  # noqa: S311 - no secret
    found = Compared.of([(chance.gauss(0, 60), chance.gauss(0, 60)) for _ in range(200)])

    assert not found.is_alike
    assert not found.is_apart
    assert "busy" in found.verdict
