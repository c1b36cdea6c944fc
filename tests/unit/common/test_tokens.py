"""Tokens: what a strict reader refuses (reliability.md section 3, rows 6–8)."""

import base64
import contextlib
import hashlib
import hmac
import json
import math
import random
import time
from pathlib import Path
from typing import Any

import pytest

from libs.common.ids import new_id
from libs.common.principal import Role, Scope
from libs.common.tokens import InvalidToken, PublicKeys, Signer, Verifier
from tests.service.forgeries import ODD, respelt, signed_as


@pytest.fixture
def users(tmp_path: Path) -> Signer:
    return Signer.at("users", tmp_path)


@pytest.fixture
def verifier(tmp_path: Path, users: Signer) -> Verifier:
    return Verifier(PublicKeys(tmp_path), "grievance")


def scalars(chance: random.Random) -> Any:
    return chance.choice(
        [None, True, False, 0, -1, 2**70, 1.5, math.nan, math.inf, "", "JWT", "ES256", "users"]
    )


def structure(chance: random.Random, depth: int = 3) -> Any:
    """Anything that JSON can say."""
    kind = chance.randrange(3) if depth else 0
    if kind == 0:
        return scalars(chance)
    inner = [structure(chance, depth - 1) for _ in range(chance.randrange(3))]
    if kind == 1:
        return inner
    return {chance.choice(["alg", "typ", "kid", "a"]): each for each in inner}


def segment(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    usual = {
        "iss": "users",
        "aud": "redress",
        "sub": "42",
        "jti": new_id(),
        "iat": now,
        "exp": now + 300,
        "typ": "access",
        "role": "citizen",
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def signed(signer: Signer, said: dict[str, Any], **header: Any) -> str:
    return signer._signed(said, header)


def test_a_good_token_says_who_calls(users: Signer, verifier: Verifier) -> None:
    token = users.sign("7", Role.INTAKE_OFFICER, scope=Scope(("road",), ("Dharan",)))

    principal = verifier.verify(token)

    assert (principal.id, principal.role) == ("7", Role.INTAKE_OFFICER)
    assert principal.scope == Scope(("road",), ("Dharan",))


def test_a_cached_token_is_the_same_principal(users: Signer, verifier: Verifier) -> None:
    token = users.sign("7", Role.CITIZEN)

    assert verifier.verify(token) == verifier.verify(token)


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None},
        {"aud": None},
        {"iss": None},
        {"sub": None},
        {"jti": None},
        {"iat": None},
        {"role": None},
        {"typ": None},
        {"typ": "refresh"},
        {"exp": 1},
        {"exp": 10**308},
        {"exp": 2**39},
        {"exp": "tomorrow"},
        {"exp": True},
        {"nbf": 2**39},
        {"iat": 2**39, "exp": 2**39 + 10},
        {"aud": ["redress"]},
        {"aud": "elsewhere"},
        {"iss": "https://evil"},
        {"iss": "grievance"},
        {"role": ["citizen", "super_admin"]},
        {"role": "root"},
        {"sub": 42},
        {"sub": ""},
    ],
    ids=str,
)
def test_a_malformed_claim_is_refused(
    users: Signer, verifier: Verifier, changes: dict[str, Any]
) -> None:
    with pytest.raises(InvalidToken):
        verifier.verify(signed(users, claims(**changes)))


def test_the_unchanged_claims_pass(users: Signer, verifier: Verifier) -> None:
    assert verifier.verify(signed(users, claims())).id == "42"


@pytest.mark.parametrize("algorithm", ["none", "nOnE", "HS256", "RS256"])
def test_another_algorithm_is_refused(users: Signer, verifier: Verifier, algorithm: str) -> None:
    header = {"alg": algorithm, "typ": "JWT", "kid": users.public_jwk["kid"]}
    body = f"{segment(header)}.{segment(claims())}"
    key = json.dumps(users.public_jwk).encode()
    mac = segment(hmac.new(key, body.encode(), hashlib.sha256).digest())

    for signature in ("", mac):
        with pytest.raises(InvalidToken):
            verifier.verify(f"{body}.{signature}")


@pytest.mark.parametrize(
    "header",
    [{"crit": ["x"]}, {"jku": "http://127.0.0.1:9/k"}, {"jwk": {"kty": "oct"}}, {"b64": 0}],
)
def test_a_header_that_asks_for_more_is_refused(
    users: Signer, verifier: Verifier, header: dict[str, Any]
) -> None:
    with pytest.raises(InvalidToken):
        verifier.verify(signed(users, claims(), **header))


@pytest.mark.parametrize(
    "kid", ["../../etc/passwd", "x' UNION SELECT 'k'--", "", 7, None, ["users"]]
)
def test_a_key_id_is_looked_up_and_nothing_else(
    users: Signer, verifier: Verifier, kid: Any
) -> None:
    with pytest.raises(InvalidToken):
        verifier.verify(signed(users, claims(), kid=kid))


def test_a_changed_payload_is_refused(users: Signer, verifier: Verifier) -> None:
    head, _, signature = users.sign("42", Role.CITIZEN).split(".")

    with pytest.raises(InvalidToken):
        verifier.verify(f"{head}.{segment(claims(role='super_admin'))}.{signature}")


def test_a_service_cannot_speak_for_people(tmp_path: Path, verifier: Verifier) -> None:
    chat = Signer.at("chat", tmp_path)

    with pytest.raises(InvalidToken):
        verifier.verify(chat.sign("42", Role.SUPER_ADMIN, audience="redress"))


def test_a_service_token_is_for_one_peer(tmp_path: Path, users: Signer) -> None:
    chat = Signer.at("chat", tmp_path)
    keys = PublicKeys(tmp_path)
    token = chat.sign_to("grievance")

    assert Verifier(keys, "grievance").verify(token).role is Role.SERVICE
    with pytest.raises(InvalidToken):
        Verifier(keys, "files").verify(token)


@pytest.mark.parametrize(
    "token", ["", "a", "a.b", "a.b.c", "..", "\u00fc.b.c", "a" * 60_000, "[].e30.x"]
)
def test_garbage_is_refused(verifier: Verifier, token: str) -> None:
    with pytest.raises(InvalidToken):
        verifier.verify(token)


def test_a_token_of_any_structure_is_refused_and_nothing_else(
    users: Signer, verifier: Verifier
) -> None:
    """Signed by us, so that only its form can tell: whatever stands where, it is no token."""
    chance, refused = random.Random(4), 0  # noqa: S311 - the same every time
    names = ("alg", "typ", "kid", "cty", "crit", "b64")
    for _ in range(300):
        odd = {chance.choice(names): structure(chance)}
        if odd.items() <= {"alg": "ES256", "typ": "JWT"}.items():
            continue
        said = {"exp": structure(chance), "aud": structure(chance), "sub": structure(chance)}
        for token in (signed(users, claims(), **odd), signed(users, claims() | said)):
            with pytest.raises(InvalidToken):
                verifier.verify(token)
            refused += 1
        for part in (structure(chance), [structure(chance)]):
            with pytest.raises(InvalidToken):
                verifier.verify(signed_as(users, f"{segment(part)}.{segment(claims())}"))

    assert refused > 500


def test_a_token_has_one_spelling(users: Signer, verifier: Verifier) -> None:
    good = [users.sign(f"user:{number}", Role.CITIZEN, session="s?~>") for number in range(20)]
    others = [each for token in good for each in respelt(token)]
    believed = []
    for name, token in others:
        with contextlib.suppress(InvalidToken):
            believed.append((name, verifier.verify(token)))

    kinds = {name.partition(" ")[2].partition(" ")[2] for name, _ in others}
    assert kinds >= {"padded more", "standard base64", "other last bits"}
    assert believed == []
    assert [verifier.verify(token).session for token in good] == ["s?~>"] * len(good)


@pytest.mark.parametrize("kind", ["JWT", "at+jwt"])
def test_a_token_says_what_it_is(users: Signer, verifier: Verifier, kind: str) -> None:
    head = {"alg": "ES256", "kid": users.public_jwk["kid"], "typ": kind}
    assert verifier.verify(signed_as(users, f"{segment(head)}.{segment(claims())}")).id == "42"

    del head["typ"]
    with pytest.raises(InvalidToken):
        verifier.verify(signed_as(users, f"{segment(head)}.{segment(claims())}"))


def test_a_statement_with_an_odd_header_is_none(users: Signer, tmp_path: Path) -> None:
    keys = PublicKeys(tmp_path)
    for odd in ODD:
        with pytest.raises(InvalidToken):
            keys.attested(users._signed(b"a head", {"typ": odd}))
    assert keys.attested(users.attest(b"a head")) == ("users", b"a head")
