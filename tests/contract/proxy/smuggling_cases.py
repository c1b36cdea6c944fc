"""Requests two readers could read differently. What one takes for a body, another for a request.

`%AUTH%` stands for a good token: nothing is refused for want of one. Every case carries a second
request, `/things/smuggled`, which nobody asked for.
"""

START = "POST /things/meant HTTP/1.1"
HOST = "Host: test"
AUTH = "%AUTH%"
BYTES = "Content-Type: application/octet-stream"
TE = "Transfer-Encoding: chunked"
SMUGGLED = f"GET /things/smuggled HTTP/1.1\r\n{HOST}\r\n{AUTH}\r\nX: "
BY_END = f"0\r\n\r\n{SMUGGLED}"
"""Chunked, it ends at once; counted, it goes on."""
IN_CHUNK = f"5\r\nhello\r\n0\r\n\r\n{SMUGGLED}"


def request(*lines: str, body: str = "", start: str = START, end: str = "\r\n") -> bytes:
    """A request with `lines` between its host and its body."""
    return (end.join([start, HOST, AUTH, BYTES, *lines, "", ""]) + body).encode("latin-1")


TWO_LENGTHS = {
    "a length and chunks": ["Content-Length: 60", TE],
    "chunks and a length": [TE, "Content-Length: 60"],
    "a short length and chunks": ["Content-Length: 4", TE],
    "no length and chunks": ["Content-Length: 0", TE],
    "two lengths": ["Content-Length: 5", "Content-Length: 60"],
    "two lengths, the long one first": ["Content-Length: 60", "Content-Length: 5"],
    "one length twice": ["Content-Length: 5", "Content-Length: 5"],
    "a list of lengths": ["Content-Length: 5, 60"],
    "a list of one length": ["Content-Length: 5,5"],
    "a positive length": ["Content-Length: +5"],
    "a negative length": ["Content-Length: -5"],
    "a length with a space": ["Content-Length: 5 0"],
    "a length with an underscore": ["Content-Length: 5_0"],
    "a length in hex": ["Content-Length: 0x5"],
    "an exponent": ["Content-Length: 5e1"],
    "a fraction": ["Content-Length: 5.0"],
    "no digits": ["Content-Length:"],
    "superscript": ["Content-Length: \xb2"],
    "two to the sixty-four and five": ["Content-Length: 18446744073709551621"],
    "a space before the colon": ["Content-Length : 5"],
    "a folded length": ["Content-Length:", " 5"],
    "a length with NUL": ["Content-Length: 5\0"],
}

CODINGS = {
    "chunked, identity": ["Transfer-Encoding: chunked, identity"],
    "identity, chunked": ["Transfer-Encoding: identity, chunked"],
    "identity": ["Transfer-Encoding: identity"],
    "gzip, chunked": ["Transfer-Encoding: gzip, chunked"],
    "chunked, chunked": ["Transfer-Encoding: chunked, chunked"],
    "an empty element": ["Transfer-Encoding: , chunked"],
    "xchunked": ["Transfer-Encoding: xchunked"],
    "chunk": ["Transfer-Encoding: chunk"],
    "quoted": ['Transfer-Encoding: "chunked"'],
    "a parameter": ["Transfer-Encoding: chunked;q=1"],
    "a vertical tab": ["Transfer-Encoding: \x0bchunked"],
    "a form feed": ["Transfer-Encoding: chunked\x0c"],
    "NUL": ["Transfer-Encoding: chunked\0"],
    "a no-break space": ["Transfer-Encoding: \xa0chunked"],
    "no coding": ["Transfer-Encoding:"],
    "two codings": [TE, "Transfer-Encoding: identity"],
    "two codings, the other way": ["Transfer-Encoding: identity", TE],
    "twice": [TE, TE],
    "a space before the colon": ["Transfer-Encoding : chunked"],
    "a tab before the colon": ["Transfer-Encoding\t: chunked"],
    "a folded coding": ["Transfer-Encoding:", " chunked"],
    "folded behind another": ["X: y", " Transfer-Encoding: chunked"],
    "a coding behind a bare LF": ["X: y\nTransfer-Encoding: chunked"],
    "a coding behind a bare CR": ["X: y\rTransfer-Encoding: chunked"],
    "a coding in its name": ["Transfer Encoding: chunked", "Content-Length: 5"],
}

BODIES = {
    "a size in hex": "0x5\r\nhello\r\n0\r\n\r\n",
    "a negative size": "-5\r\nhello\r\n0\r\n\r\n",
    "a positive size": "+5\r\nhello\r\n0\r\n\r\n",
    "a space before the size": " 5\r\nhello\r\n0\r\n\r\n",
    "an underscore": "0_5\r\nhello\r\n0\r\n\r\n",
    "a size of two to the sixty-four": "10000000000000005\r\nhello\r\n0\r\n\r\n",
    "a size of many digits": "f" * 40 + "\r\nhello\r\n0\r\n\r\n",
    "no size": "\r\nhello\r\n0\r\n\r\n",
    "a word": "g\r\nhello\r\n0\r\n\r\n",
    "an extension with CR": "5;a\rb\r\nhello\r\n0\r\n\r\n",
    "an extension with LF": "5;a\nhello\r\n0\r\n\r\n",
    "an extension with NUL": "5;a=\0\r\nhello\r\n0\r\n\r\n",
    "a size line that ends with LF": "5\nhello\r\n0\r\n\r\n",
    "a size line that ends with CR": "5\rhello\r\n0\r\n\r\n",
    "a chunk that ends with LF": "5\r\nhello\n0\r\n\r\n",
    "a chunk that ends with other bytes": "5\r\nhelloXX0\r\n\r\n",
    "a chunk longer than it said": "3\r\nhello\r\n0\r\n\r\n",
    "a chunk shorter than it said": "7\r\nhello\r\n0\r\n\r\n",
    "a last chunk that ends with LF": "5\r\nhello\r\n0\n\r\n",
    "an end that is only LF": "5\r\nhello\r\n0\r\n\n",
    "no end": "5\r\nhello\r\n0\r\n",
}

HEADS: dict[str, bytes] = {
    "lines that end with LF": request("Content-Length: 0", end="\n"),
    "an end that is only LF": request("Content-Length: 0").removesuffix(b"\r\n") + b"\n",
    "lines that end with CR": request("Content-Length: 0", end="\r"),
    "a bare CR in a value": request("Content-Length: 0", "X: a\rb"),
    "a bare LF in a value": request("Content-Length: 0", "X: a\nb"),
    "NUL in a value": request("Content-Length: 0", "X: a\0b"),
    "NUL in a name": request("Content-Length: 0", "X\0Y: a"),
    "a space in a name": request("Content-Length: 0", "X Y: a"),
    "no name": request("Content-Length: 0", ": a"),
    "no colon": request("Content-Length: 0", "X"),
    "a bracket in a name": request("Content-Length: 0", "X(Y): a"),
    "a letter that is none in a name": request("Content-Length: 0", "X\xe9: a"),
    "a first line that is folded": request().replace(b"\r\nHost", b"\r\n Host"),
    "folded": request("Content-Length: 0", "X: a", " b"),
    "folded with a tab": request("Content-Length: 0", "X: a", "\tb"),
    "HTTP/0.9": b"GET /things/meant\r\n\r\n",
    "HTTP/0.9, said": request(start="GET /things/meant HTTP/0.9"),
    "HTTP/1.2": request(start="GET /things/meant HTTP/1.2"),
    "HTTP/1.10": request(start="GET /things/meant HTTP/1.10"),
    "HTTP/2.0": request(start="GET /things/meant HTTP/2.0"),
    "another protocol": request(start="GET /things/meant ICY/1.0"),
    "small letters in the version": request(start="GET /things/meant http/1.1"),
    "a space behind the version": request(start="GET /things/meant HTTP/1.1 "),
    "tabs": request(start="GET\t/things/meant\tHTTP/1.1"),
    "a space in the target": request(start="GET /things/meant x HTTP/1.1"),
    "no target": request(start="GET HTTP/1.1"),
    "the HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a method in small letters": request(start="get /things/meant HTTP/1.1"),
    "a method nobody knows": request(start="FROB /things/meant HTTP/1.1"),
    "CONNECT": request(start="CONNECT test:80 HTTP/1.1"),
    "CONNECT to a path": request(start="CONNECT /things/meant HTTP/1.1"),
    "TRACE": request(start="TRACE /things/meant HTTP/1.1"),
    "the form of an authority": request(start="GET test:80 HTTP/1.1"),
    "TLS": b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(100),
    "no host": request("Content-Length: 0").replace(b"Host: test\r\n", b""),
}  # fmt: skip

REFUSED: dict[str, bytes] = {
    **{f"{name}, ended": request(*lines, body=BY_END) for name, lines in TWO_LENGTHS.items()},
    **{f"{name}, chunk": request(*lines, body=IN_CHUNK) for name, lines in TWO_LENGTHS.items()},
    **{f"TE {name}": request(*lines, body=BY_END) for name, lines in CODINGS.items()},
    **{
        f"TE {name}, and a length": request("Content-Length: 5", *lines, body=BY_END)
        for name, lines in CODINGS.items()
        if "in its name" not in name
    },
    **{f"chunks: {name}": request(TE, body=b + SMUGGLED) for name, b in BODIES.items()},
    **{f"head: {name}": head + SMUGGLED.encode() for name, head in HEADS.items()},
}
"""RFC 9112: 400 and close, or close alone."""

WELL_FORMED = frozenset({"head: TRACE", "head: no host"})
"""Refused for what they say; where they end is clear, and the connection may stay."""

OLD_AND_CHUNKED = request(TE, start="POST /things/meant HTTP/1.0", body=BY_END)

LEGAL: dict[str, bytes] = {
    "spaces around a length": request("Content-Length: \t 5 \t", body="hello"),
    "zeros before a length": request("Content-Length: 0005", body="hello"),
    "a tab behind a coding": request(
        "Transfer-Encoding: chunked\t", body="5\r\nhello\r\n0\r\n\r\n"
    ),
    "no space before a coding": request(
        "Transfer-Encoding:chunked", body="5\r\nhello\r\n0\r\n\r\n"
    ),
    "capital letters": request("TRANSFER-ENCODING: CHUNKED", body="5\r\nhello\r\n0\r\n\r\n"),
    "a name with an underscore": request(
        "Transfer_Encoding: chunked", "Content-Length: 5", body="hello"
    ),
    "a length with an underscore": request(
        "Content_Length: 100", "Content-Length: 5", body="hello"
    ),
    "a coding somebody nominated": request(
        "Connection: Transfer-Encoding", TE, body="5\r\nhello\r\n0\r\n\r\n"
    ),
    "a length somebody nominated": request(
        "Connection: Content-Length", "Content-Length: 5", body="hello"
    ),
    "zeros before a size": request(TE, body="000005\r\nhello\r\n000\r\n\r\n"),
    "two spaces": request("Content-Length: 5", body="hello", start="POST  /things/meant  HTTP/1.1"),
    "an empty line before": b"\r\n" + request("Content-Length: 5", body="hello"),
    "an upgrade": request("Connection: Upgrade", "Upgrade: x", "Content-Length: 5", body="hello"),
}
"""Odd and allowed: heard for what it is, or refused, and never for anything else."""
