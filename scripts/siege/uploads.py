"""Uploads whose last byte is held back for a while."""

import asyncio
from dataclasses import dataclass

from scripts.siege.answers import Cut
from scripts.siege.lines import Line, NotSent, request

SIZES = (4_000, 400_000)
"""One the gateway may read before it asks the service, and one that streams."""
ANSWER_SECONDS = 30.0
OK, MULTIPLE_CHOICES = 200, 300


@dataclass
class Held:
    """An upload of which all but the last byte was sent."""

    size: int
    line: Line

    @classmethod
    async def at(cls, port: int, token: str, size: int) -> "Held":
        """Begin one."""
        body = b'{"text":"%s"}' % (b"x" * size)
        line = await Line.to(port)
        line.send(request("POST", "/api/v1/grievances", token=token, body=body)[:-1])
        return cls(size, line)

    async def finish(self) -> str:
        """Send the last byte; why it failed, or nothing."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await self.line.ask(b"}")
        except (NotSent, Cut, TimeoutError) as error:
            return f"{self.size // 1000} KB: {str(error) or 'no answer in time'}"
        finally:
            self.line.close()
        if OK <= answer.status < MULTIPLE_CHOICES:
            return ""
        return f"{self.size // 1000} KB: {answer.status} {answer.body[:60].decode()}"
