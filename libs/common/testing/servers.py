"""Private PostgreSQL, RabbitMQ and Redis from installed binaries, thrown away after use.

`python -m libs.common.testing.servers -- COMMAND…` runs COMMAND with TEST_DATABASE_URL,
TEST_BUS_URL and TEST_REDIS_URL. What the environment names already is used, not started. Whatever
listens on a default port belongs to somebody else and is never touched.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from libs.common.testing.private import (
    START_SECONDS,
    STOP_SECONDS,
    PrivateServer,
    ServerFailed,
    ServerMissing,
    answers,
    binary,
    end_orderly,
    free_port,
    tree,
)

MISSING = 3
"""The exit code when a server is not installed."""
NOT_FOUND = 127


class PrivatePostgres(PrivateServer):
    """PostgreSQL with its defaults: fsync is on. The superuser `postgres` needs no password."""

    variable = "TEST_DATABASE_URL"
    stop_signal = signal.SIGINT

    @property
    def url(self) -> str:
        """For SQLAlchemy."""
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/postgres"

    def _prepare(self) -> None:
        if user := self._user():
            shutil.chown(self.folder, user, user)
        initdb = [
            binary("initdb", "postgresql", *_postgres_folders()),
            "--pgdata=data", "--username=postgres", "--auth=trust",
            "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
        ]  # fmt: skip
        if self._spawn(initdb, user=self._user()).wait(START_SECONDS):
            raise ServerFailed(f"initdb failed:\n{self._log_tail()}")

    def _user(self) -> str | None:
        return "postgres" if os.geteuid() == 0 else None

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
        }
        server = binary("postgres", "postgresql", *_postgres_folders())
        return [server, "-D", "data", *(f"--{key}={value}" for key, value in settings.items())]

    def _is_ready(self) -> bool:
        # The start of a session: while it recovers, a server answers E for "starting up".
        session = b"\x00\x03\x00\x00user\x00postgres\x00database\x00postgres\x00\x00"
        return answers(self.port, (len(session) + 4).to_bytes(4, "big") + session) == b"R"


class PrivateRedis(PrivateServer):
    """Redis (or Valkey) that writes nothing to disk."""

    variable = "TEST_REDIS_URL"

    @property
    def url(self) -> str:
        """For redis-py."""
        return f"redis://127.0.0.1:{self.port}/0"

    def _prepare(self) -> None:
        """Nothing is kept."""

    def _command(self) -> list[str]:
        server = shutil.which("valkey-server") or binary("redis-server", "redis-server")
        return [server, "--bind", "127.0.0.1", "--port", str(self.port), "--save", ""]

    def _is_ready(self) -> bool:
        return answers(self.port, b"PING\r\n") == b"+"


class PrivateRabbit(PrivateServer):
    """A RabbitMQ node without plugins, with a port mapper of its own."""

    variable = "TEST_BUS_URL"

    def __init__(self) -> None:
        self._mapper: subprocess.Popen[bytes] | None = None
        self._mapper_port = free_port()
        super().__init__()

    @property
    def url(self) -> str:
        """For aio-pika."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    @property
    def pid(self) -> int:
        """The Erlang machine's; the script that starts it only waits for it."""
        return tree(super().pid)[1]

    def stop(self) -> None:
        """End it and its port mapper, and remove its data."""
        super().stop()
        if self._mapper:
            self._mapper.kill()
            self._mapper.wait()
            self._mapper = None

    def _prepare(self) -> None:
        (self.folder / "rabbitmq.conf").write_text("loopback_users.guest = true\n")
        (self.folder / "plugins").write_text("[].\n")
        (self.folder / "env.conf").touch()
        # Started here, in the foreground: Erlang would start a daemon that outlives us.
        epmd = binary("epmd", "rabbitmq-server")
        self._mapper = self._spawn([epmd, "-port", str(self._mapper_port), "-address", "127.0.0.1"])

    def _environment(self) -> Mapping[str, str]:
        folder = str(self.folder)
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": folder,
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"redress-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/logs",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/env.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
        }

    def _command(self) -> list[str]:
        # Debian's /usr/sbin wrapper changes user and folder; the script behind it does not.
        return [binary("rabbitmq-server", "rabbitmq-server", Path("/usr/lib/rabbitmq/bin"))]

    def _is_ready(self) -> bool:
        return answers(self.port, b"AMQP\x00\x00\x09\x01") == b"\x01"


ALL: tuple[type[PrivateServer], ...] = (PrivatePostgres, PrivateRabbit, PrivateRedis)


@contextmanager
def private_servers() -> Iterator[dict[str, str]]:
    """Start what the environment does not name; yield the variables that name everything."""
    wanted = [kind for kind in ALL if not os.environ.get(kind.variable)]
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        starting = [pool.submit(kind) for kind in wanted]
        failures = []
        urls = {}
        for each in starting:
            try:
                server = stack.enter_context(each.result())
            except Exception as failure:  # noqa: BLE001 - the others must be stopped first
                failures.append(failure)
            else:
                urls[server.variable] = server.url
        if failures:
            raise failures[0]
        yield {**os.environ, **urls}


def main() -> int:
    """Run the command given after `--`; answer its exit code."""
    command = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    if not command:
        sys.stderr.write("usage: python -m libs.common.testing.servers -- COMMAND…\n")
        return 2
    end_orderly()
    try:
        with private_servers() as environment:
            return _run(command, environment)
    except ServerMissing as missing:
        sys.stderr.write(f"{missing}\n")
        return MISSING
    except ServerFailed as failed:
        sys.stderr.write(f"{failed}\n")
        return 1


def _run(command: list[str], environment: Mapping[str, str]) -> int:
    try:
        process = subprocess.Popen(command, env=dict(environment))
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        return NOT_FOUND
    try:
        code = process.wait()
    except KeyboardInterrupt:  # the command was interrupted too: it may have something to say
        code = process.wait(STOP_SECONDS)
    finally:
        _end(process)
    return code if code >= 0 else 128 - code


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _postgres_folders() -> list[Path]:
    def version(folder: Path) -> tuple[int, ...]:
        return tuple(int(part) for part in folder.parent.name.split(".") if part.isdigit())

    return sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=version, reverse=True)


if __name__ == "__main__":
    sys.exit(main())
