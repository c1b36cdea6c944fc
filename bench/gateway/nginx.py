"""nginx twice: as what answers, and as a bare proxy in front of it."""

import os
import pwd
from pathlib import Path

from bench.gateway.cores import pinned
from bench.gateway.paths import ANSWER, DOWN, FILE_BYTES, HELLO, SMALL, UP, Targets
from libs.common.testing.private import PrivateServer, answers, binary

MANY = 1_000_000_000
LARGE_BUFFERS = (
    "client_body_buffer_size 256k;"
    "proxy_buffer_size 64k; proxy_buffers 16 64k; proxy_busy_buffers_size 256k;"
)
"""As somebody sets them who knows that large bodies pass; the defaults are 8 to 16 KiB."""
FOLDERS = ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")


class Nginx(PrivateServer):
    """One worker, no access log; `_sites` says what it does."""

    def __init__(self, core: int) -> None:
        self._core = core
        super().__init__()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _sites(self) -> str:
        raise NotImplementedError

    def _prepare(self) -> None:
        user = pwd.getpwuid(os.geteuid()).pw_name
        temporary = "\n".join(f"{name}_temp_path {self.folder}/{name};" for name in FOLDERS)
        (self.folder / "nginx.conf").write_text(
            f"""
daemon off; worker_processes 1; pid {self.folder}/pid;
{f"user {user};" if os.geteuid() == 0 else ""}
events {{ worker_connections 1024; }}
http {{
{temporary}
access_log off; default_type application/json; client_max_body_size 0; sendfile on;
keepalive_requests {MANY}; keepalive_timeout 600s;
{self._sites()}
}}
"""
        )

    def _command(self) -> list[str]:
        nginx = binary("nginx", "nginx-light")
        options = ["-p", str(self.folder), "-c", "nginx.conf", "-e", "stderr"]
        return pinned(self._core, [nginx, *options])

    def _is_ready(self) -> bool:
        return answers(self.port, HELLO) == b"H"


class Upstream(Nginx):
    """Answers 200 bytes of JSON from its configuration, and a large file from the page cache."""

    def _prepare(self) -> None:
        path = self.folder / "files" / DOWN.strip("/")
        path.parent.mkdir(parents=True)
        path.write_bytes(os.urandom(FILE_BYTES))
        super()._prepare()

    def _sites(self) -> str:
        return f"""
server {{
  listen 127.0.0.1:{self.port} backlog=1024;
  location = {SMALL} {{ return 200 '{ANSWER}'; }}
  location / {{ root {Path(self.folder, "files")}; }}
}}"""


class NginxProxy(Nginx):
    """`proxy_pass` over kept connections; bodies stream both ways and never touch the disk."""

    def __init__(self, core: int, targets: Targets, buffers: str = "") -> None:
        self._targets = targets
        self._buffers = buffers
        super().__init__(core)

    def _sites(self) -> str:
        return f"""
{self._upstream("answering", self._targets.upstream)}
{self._upstream("sink", self._targets.sink)}
proxy_http_version 1.1; proxy_set_header Connection "";
proxy_request_buffering off; proxy_max_temp_file_size 0; {self._buffers}
server {{
  listen 127.0.0.1:{self.port} backlog=1024;
  location / {{ proxy_pass http://answering; }}
  location = {UP} {{ proxy_pass http://sink; }}
}}"""

    def _upstream(self, name: str, port: int) -> str:
        return f"""upstream {name} {{
  server 127.0.0.1:{port}; keepalive 64; keepalive_requests {MANY}; keepalive_timeout 600s;
}}"""
