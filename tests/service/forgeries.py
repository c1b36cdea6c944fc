"""Tokens nobody should believe (reliability.md section 3, rows 6-9): one table, for every door."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from libs.common.ids import new_id
from libs.common.tokens import Signer

NAME = "attacker.example"
"""Named in headers; whoever looks it up has believed one."""
NONES = ("none", "None", "NONE", "nOnE", "", "none ", "\u006eone", None, 0, False, ["none"])
KIDS: tuple[Any, ...] = (
    "../../etc/passwd", "..\\..\\users", "/dev/null", "x' UNION SELECT 'k'--", "users\0",
    "users;id", "|id",
    "$(id)", "{{7*7}}", "http://" + NAME + "/k", "file:///etc/passwd", "", " ", "users", 7,
    None, True, ["users"], {"kid": "users"}, "x" * 4000, "users-" + "0" * 12, "\u202eusers", "%00",
)  # fmt: skip

UNFIT: tuple[Any, ...] = (
    {}, {"JWT": "JWT"}, [[]], [{}], [None], 1.5, -1, 2**70, 10**400, float("inf"), float("nan"),
    "\ud800",
)  # fmt: skip
"""Values that no header and no claim of ours may have."""
ODD = (
    *UNFIT, [], ["JWT"], ["ES256"], 0, 1, True, False, None, "", "jwt", "es256", "JWT ", "x" * 4000,
)  # fmt: skip
"""Values of every kind, where one text is looked for."""
_SYMBOLS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
LAST = dict(zip(_SYMBOLS[::2], _SYMBOLS[1::2], strict=True))
"""What a last symbol may be besides, where its last bit means nothing."""


def claims(**changes: Any) -> dict[str, Any]:
    """What a good token says, with changes; what is changed to `...` is left out."""
    now = int(time.time())
    usual = {
        "iss": "users", "aud": "redress", "sub": "user:1", "jti": new_id(), "iat": now,
        "exp": now + 300, "typ": "access", "role": "super_admin",
    }  # fmt: skip
    return {name: value for name, value in (usual | changes).items() if value is not ...}


def segment(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forged(users: Signer, chat: Signer, *, listener: str) -> Iterator[tuple[str, str]]:
    """Each forgery, and what it is called. `listener` is a URL nobody should ever ask."""
    yield from _unsigned(users)
    yield from _with_what_is_public(users)
    yield from _by_another_key(users, chat)
    yield from _with_headers(users, listener)
    yield from _with_claims(users)
    yield from _misshapen(users)


def good(users: Signer) -> str:
    """What the forgeries are made of: it is believed."""
    return users._signed(claims(), {})


def signed_as(users: Signer, said: str) -> str:
    """Whatever is said, with a signature that holds."""
    return f"{said}.{segment(users._signing().key.sign(said.encode()))}"


def respelt(token: str) -> Iterator[tuple[str, str]]:
    """A good token in the spellings a lenient reader of base64url takes for the same."""
    parts = token.split(".")
    for place, part in enumerate(parts):
        ways = {
            "padded": f"{part}{'=' * (-len(part) % 4)}",
            "padded more": f"{part}====",
            "standard base64": part.translate(str.maketrans("-_", "+/")),
            "other last bits": part[:-1] + LAST.get(part[-1], part[-1]),
            "with what is no symbol": f"{part}!",
        }
        for name, way in ways.items():
            if way != part:
                yield f"part {place} {name}", ".".join([*parts[:place], way, *parts[place + 1 :]])


def _header(users: Signer, **more: Any) -> dict[str, Any]:
    return {"alg": "ES256", "typ": "JWT", "kid": users.public_jwk["kid"], **more}


def _unsigned(users: Signer) -> Iterator[tuple[str, str]]:
    head, body, signature = good(users).split(".")
    for alg in NONES:
        said = f"{segment(_header(users, alg=alg))}.{segment(claims())}"
        for name, kept in {
            "nothing": "",
            "its signature": signature,
            "zeros": segment(b"\0" * 64),
        }.items():
            yield f"alg {alg!r} with {name}", f"{said}.{kept}"
    yield "an empty signature", f"{head}.{body}."
    yield "a signature of zeros", f"{head}.{body}.{segment(bytes(64))}"
    yield "the signature of another", f"{head}.{segment(claims(sub='user:2'))}.{signature}"
    yield "a signature cut short", f"{head}.{body}.{signature[:-4]}"
    yield "a signature in DER", f"{head}.{body}.{segment(_der(signature))}"


def _der(signature: str) -> bytes:
    raw = base64.urlsafe_b64decode(signature + "==")
    parts = [raw[:32].lstrip(b"\0"), raw[32:].lstrip(b"\0")]
    parts = [b"\0" + part if part[0] & 0x80 else part for part in parts]
    body = b"".join(bytes([2, len(part)]) + part for part in parts)
    return bytes([0x30, len(body)]) + body


def _with_what_is_public(users: Signer) -> Iterator[tuple[str, str]]:
    jwk = users.public_jwk
    x, y = (int.from_bytes(base64.urlsafe_b64decode(jwk[name] + "="), "big") for name in "xy")
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    pem, der = (
        key.public_bytes(each, kind)
        for each in (serialization.Encoding.PEM, serialization.Encoding.DER)
    )
    point = key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    secrets = {
        "the PEM": pem, "the PEM, stripped": pem.strip(), "the DER": der,
        "the DER in base64": base64.b64encode(der), "the JWK": json.dumps(jwk).encode(),
        "the JWK, tight": json.dumps(jwk, separators=(",", ":")).encode(), "the point": point,
        "x": jwk["x"].encode(), "the kid": jwk["kid"].encode(), "nothing": b"",
    }  # fmt: skip
    for name, secret in secrets.items():
        for alg, digest in (("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")):
            said = f"{segment(_header(users, alg=alg))}.{segment(claims())}"
            mac = hmac.new(secret, said.encode(), getattr(hashlib, digest)).digest()
            yield f"{alg} with {name}", f"{said}.{segment(mac)}"
            as_es256 = f"{segment(_header(users))}.{segment(claims())}"
            mac = hmac.new(secret, as_es256.encode(), getattr(hashlib, digest)).digest()
            yield f"ES256 that is {alg} with {name}", f"{as_es256}.{segment(mac)}"


def _by_another_key(users: Signer, chat: Signer) -> Iterator[tuple[str, str]]:
    yield "another service speaks for a person", chat._signed(claims(), {})
    yield "another service says it is itself", chat._signed(claims(iss="chat"), {})
    yield (
        "another service with the kid of users",
        chat._signed(claims(), {"kid": users.public_jwk["kid"]}),
    )
    yield "another service calls itself one for a person's route", chat.sign_to("users")
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for alg in ("RS256", "PS256", "EdDSA", "ES384", "ES256K", "es256", "ES256 "):
        said = f"{segment(_header(users, alg=alg))}.{segment(claims())}"
        signature = private.sign(said.encode(), padding.PKCS1v15(), hashes.SHA256())
        yield f"alg {alg}", f"{said}.{segment(signature)}"


def _with_headers(users: Signer, listener: str) -> Iterator[tuple[str, str]]:
    for kid in KIDS:
        yield f"kid {str(kid)[:40]!r}", users._signed(claims(), {"kid": kid})
    places = (listener, f"http://{NAME}/keys.json", "file:///etc/passwd")
    for name in ("jku", "x5u"):
        for place in places:
            yield f"{name} {place[:30]}", users._signed(claims(), {name: place})
            yield (
                f"{name} and an unknown kid {place[:30]}",
                users._signed(claims(), {name: place, "kid": "users-unknown"}),
            )
    own = {"kty": "oct", "k": segment(b"secret")}
    more: dict[str, Any] = {
        "jwk": own, "x5c": ["MIIB"], "x5t": "AAAA", "crit": ["exp"], "b64": False, "zip": "DEF",
        "cty": "JWT", "enc": "A256GCM", "p2c": 2**31, "epk": own, "typ": "attestation",
    }  # fmt: skip
    for name, value in more.items():
        yield f"header {name}", users._signed(claims(), {name: value})
    for name in ("alg", "typ", "cty", "crit", "b64"):
        for odd in ODD:
            yield f"header {name} {odd!r}", users._signed(claims(), {name: odd})
    head = {"alg": "ES256", "kid": users.public_jwk["kid"]}
    yield "without a typ", signed_as(users, f"{segment(head)}.{segment(claims())}")
    yield (
        "a kid said twice",
        _said(users, f'{{"alg":"none","alg":"ES256","kid":"{users.public_jwk["kid"]}"}}'.encode()),
    )
    yield "a header that is a list", _said(users, b'["ES256"]')
    yield "a header that is nothing", _said(users, b"null")
    yield "a header nested deep", _said(users, b"[" * 5000)


def _said(users: Signer, header: bytes) -> str:
    _, body, signature = good(users).split(".")
    return f"{segment(header)}.{body}.{signature}"


def _with_claims(users: Signer) -> Iterator[tuple[str, str]]:
    now = int(time.time())
    for name in ("exp", "aud", "iss", "sub", "jti", "iat", "role", "typ"):
        yield f"without {name}", users._signed(claims(**{name: ...}), {})
        yield f"{name} is null", users._signed(claims(**{name: None}), {})
    changes: list[dict[str, Any]] = [
        {"exp": str(now + 300)}, {"exp": now + 300.5}, {"exp": True}, {"exp": 10**308}, {"exp": -1},
        {"exp": 2**63}, {"exp": [now + 300]}, {"exp": now - 120}, {"exp": now + 2 * 24 * 3600},
        {"exp": 2**40}, {"iat": now + 3600, "exp": now + 3700}, {"iat": str(now)},
        {"nbf": now + 3600}, {"nbf": "never"}, {"nbf": now + 3600.0},
        {"typ": "refresh"}, {"typ": "JWT"}, {"typ": ["access"]}, {"typ": "attestation"},
        {"aud": "redress:stream"}, {"aud": ["redress"]}, {"aud": ["redress", "x"]}, {"aud": ""},
        {"aud": "gateway"}, {"aud": "Redress"}, {"iss": "chat"}, {"iss": ""}, {"iss": ["users"]},
        {"iss": "users "}, {"iss": f"http://{NAME}"}, {"sub": ""}, {"sub": 1}, {"sub": "x" * 101},
        {"sub": ["user:1"]}, {"role": "root"}, {"role": ["super_admin"]}, {"role": ""},
        {"role": "SUPER_ADMIN"}, {"jti": ""}, {"jti": 7}, {"scope": ["case:read"]}, {"sid": 7},
        {"half": "false"}, {"half": 0}, {"half": True}, {"acr": "admin"}, {"projects": "road"},
        {"projects": [7]}, {"places": {"a": 1}},
    ]  # fmt: skip
    for name in ("exp", "iat", "nbf", "aud", "iss", "sub", "jti", "role", "typ", "sid", "acr",
                 "half", "scope", "projects", "places", "organisations"):  # fmt: skip
        changes += [{name: value} for value in UNFIT]
    for each in changes:
        yield f"claims {str(each)[:60]}", users._signed(claims(**each), {})
    said = json.dumps(claims())
    raw = {
        "exp NaN": said.replace(f'"exp": {now + 300}', '"exp": NaN'),
        "exp Infinity": said.replace(f'"exp": {now + 300}', '"exp": Infinity'),
        "exp 1e400": said.replace(f'"exp": {now + 300}', '"exp": 1e400'),
        "exp of 5000 digits": said.replace(f'"exp": {now + 300}', f'"exp": {"9" * 5000}'),
        "a role said twice": said[:-1] + ', "role": "super_admin"}',
        "an exp said twice": said[:-1] + f', "exp": {now + 300}}}',
        "a list": f"[{said}]",
        "a text": json.dumps(said),
        "nothing": "",
        "two documents": said + said,
        "nested deep": "[" * 5000,
    }
    for name, text in raw.items():
        if text != said:
            yield f"claims: {name}", users._signed(text.encode(), {})


def _misshapen(users: Signer) -> Iterator[tuple[str, str]]:
    token = good(users)
    head, body, signature = token.split(".")
    yield "a JWE", ".".join([segment({"alg": "dir", "enc": "A256GCM"}), "", body, body, signature])
    yield "two segments", f"{head}.{body}"
    yield "four segments", f"{token}.{signature}"
    yield "empty segments", ".."
    yield "two tokens", f"{token} {token}"
    yield "two tokens and a comma", f"{token},{token}"
    yield "sixty kilobytes", f"{head}.{'a' * 60_000}.{signature}"
    yield "standard base64", f"{head}+/.{body}.{signature}"
    yield "padded", f"{head}==.{body}==.{signature}=="
    yield "with a blank inside", f"{head}. {body}.{signature}"
    yield from respelt(token)
    yield "not ASCII", f"{head}.{body}.\u00e9"
    yield "a refresh token", "rdr_refresh_" + "A" * 43
    yield "the word", "null"
