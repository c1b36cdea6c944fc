import json

import pytest

from libs.common.web.strict import TooDeep, read_json


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"a":1}{"b":2}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1,"a":2}',
        b'{"a":"\x00"}',
        b'{"a":"\\u0000"}',
        b'{"a":"\\ud800"}',
        b'{"\\udc00":1}',
        b'{"a":"\\ude00\\ud83d"}',
        b'{"a":"\xc0\x80"}',
        b'{"a":"\xed\xa0\x80"}',
        "{}".encode("utf-16"),
        b'{"a":' + b"9" * 5000 + b"}",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_two_readers_would_read_differently_is_refused(body: bytes) -> None:
    with pytest.raises(json.JSONDecodeError):
        read_json(body)


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 50_000, b"[" * 200 + b"]" * 200])
def test_depth_is_refused_and_breaks_nobody(body: bytes) -> None:
    with pytest.raises((TooDeep, json.JSONDecodeError)):
        read_json(body)


def test_emoji_escapes_and_every_script_pass() -> None:
    assert read_json(b'{"a":"\\ud83d\\udc69","b":"\xe0\xa4\x95"}') == {"a": "👩", "b": "क"}
