"""Bytes from one socket to the other, without waking anybody; the slower one sets the pace."""

from libs.common.clock import monotonic
from libs.common.logging import get_logger
from services.gateway.domain.headers import UPGRADED, lines
from services.gateway.proxy.connection import Connection
from services.gateway.proxy.inbound import HIGH_WATER
from services.gateway.proxy.passage import AnswerBroke, Passage

log = get_logger(__name__)


class Pouring(Passage):
    """A passage whose bodies are passed on as they come."""

    def _pour_up(self, connection: Connection) -> None:
        """The client's body, framed as it was promised."""
        is_chunked = self.asked.length is None

        def send(chunk: bytes) -> None:
            self._moved_at = monotonic()
            connection.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if is_chunked else chunk)
            if connection.is_write_paused:
                self.door.flow.pause_reading()

        def end() -> None:
            if is_chunked:
                connection.write(b"0\r\n" + lines(self.inbound.kept_trailers) + b"\r\n")

        self._is_gathering = True
        self.door.takes_much = self.inbound.limit > HIGH_WATER
        self.inbound.pour_into(send, at_end=end)
        self.look_at_clock()

    async def _pour_down(self, connection: Connection) -> None:
        """The service's answer. Raises AnswerBroke."""
        connection.pour_into(self._send)
        self.look_at_clock()
        while not connection.is_complete:
            if connection.is_lost:
                log.warning("upstream.broke", route=self.route)
                raise AnswerBroke
            await self.news()

    async def _tunnel(self, connection: Connection) -> None:
        """Two sockets that talk to each other from here on."""

        def send_up(data: bytes) -> None:
            self._moved_at = monotonic()
            connection.write(data)
            if connection.is_write_paused:
                self.door.flow.pause_reading()

        agreed = lines(header for header in connection.fields if header[0] in UPGRADED)
        self.out.switch([agreed, self._told()])
        connection.pour_into(self._send)
        self.door.tunnel_into(send_up)
        self.look_at_clock()
        while not connection.is_lost:
            await self.news()

    def _send(self, chunk: bytes) -> None:
        self._moved_at = monotonic()
        self.out.chunk(chunk)
        if self.door.flow.write_paused and self._connection:
            self._connection.pause()

    def _news(self) -> None:
        """The service sent something, or takes more again."""
        if self._connection and not self._connection.is_write_paused and not self.failure:
            self.door.flow.resume_reading()
        self.wake()
