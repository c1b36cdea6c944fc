"""HAProxy as the yardstick: with ES256 tokens checked, and bare."""

from pathlib import Path

from bench.gateway.cores import pinned
from bench.gateway.paths import HELLO, Targets
from libs.common.testing.private import PrivateServer, answers, binary
from libs.common.tokens import ALGORITHM, AUDIENCE, ISSUER

CHECKS = """
  http-request set-var(txn.bearer) http_auth_bearer
  http-request deny deny_status 401 unless { var(txn.bearer) -m found }
  http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 unless { var(txn.bearer),jwt_header_query('$.alg') -m str ALG }
  http-request deny deny_status 401 unless { var(txn.bearer),jwt_payload_query('$.iss') -m str ISS }
  http-request deny deny_status 401 unless { var(txn.bearer),jwt_payload_query('$.aud') -m str AUD }
  http-request deny deny_status 401 unless { var(txn.exp),sub(txn.now) -m int gt 0 }
  http-request deny deny_status 401 unless { var(txn.bearer),jwt_verify("ALG","PEM") -m int 1 }
"""
"""All it can: signature, algorithm, issuer, audience, end. It knows no roles, and keeps no answer
in mind: every request is verified anew."""


class HAProxy(PrivateServer):
    """One thread, kept connections on both sides, no log; `public_pem` makes it check tokens."""

    def __init__(self, core: int, targets: Targets, public_pem: Path | None = None) -> None:
        self._core = core
        self._targets = targets
        self._public_pem = public_pem
        super().__init__()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _prepare(self) -> None:
        (self.folder / "haproxy.cfg").write_text(
            f"""
global
  nbthread 1
  maxconn 512
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  option http-keep-alive
  http-reuse always
frontend front
  bind 127.0.0.1:{self.port}
{self._checks()}
  default_backend answering
backend answering
  server one 127.0.0.1:{self._targets.upstream}
"""
        )

    def _checks(self) -> str:
        if self._public_pem is None:
            return ""
        words = {"ALG": ALGORITHM, "ISS": ISSUER, "AUD": AUDIENCE, "PEM": str(self._public_pem)}
        text = CHECKS
        for word, meaning in words.items():
            text = text.replace(word, meaning)
        return text

    def _command(self) -> list[str]:
        return pinned(self._core, [binary("haproxy", "haproxy"), "-db", "-f", "haproxy.cfg"])

    def _is_ready(self) -> bool:
        return answers(self.port, HELLO) == b"H"
