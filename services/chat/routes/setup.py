"""What a chat widget asks before it begins."""

from fastapi import Response

from libs.common.web.auth import Anyone
from libs.common.web.responses import Success, answer
from libs.common.web.routing import router
from libs.common.web.units import Uow
from services.chat.repository import ChatRepository
from services.chat.schemas import MAX_ATTACHMENTS, MAX_TEXT, ConfigRead, FaqRead

routes = router(prefix="/api/v1/chat", tag="chat")
LOCALES = ["ne", "en"]


@routes.get("/config", response_model=Success[ConfigRead])
async def read_config(caller: Anyone, uow: Uow) -> Response:
    """How often to poll, and what a message may hold (S2-09)."""
    async with uow.read() as tx:
        config = await ChatRepository(tx.session).config()
    data = ConfigRead(
        polling_interval_ms=config.polling_interval_ms,
        max_text=MAX_TEXT,
        max_attachments=MAX_ATTACHMENTS,
        locales=LOCALES,
    )
    return answer(Success(data=data))


@routes.get("/faqs", response_model=Success[list[FaqRead]])
async def list_faqs(caller: Anyone, uow: Uow) -> Response:
    """The questions people often ask, with their answers, in their order (S2-06)."""
    async with uow.read() as tx:
        rows = await ChatRepository(tx.session).faqs()
    return answer(Success(data=[FaqRead.model_validate(row) for row in rows]))
