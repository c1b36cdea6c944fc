"""The API's description, for programs and for people."""

from fastapi import Response
from starlette.responses import HTMLResponse

from libs.common.web.auth import Anyone
from libs.common.web.responses import JSON
from libs.common.web.routing import router
from services.gateway.routes.deps import DescriptionsPort

routes = router(tag="documents")


@routes.get("/openapi.json", include_in_schema=False)
async def read_openapi(caller: Anyone, descriptions: DescriptionsPort) -> Response:
    """The public API of all services in one document."""
    return Response(descriptions.openapi, headers={"Cache-Control": "no-store"}, media_type=JSON)


@routes.get("/docs", include_in_schema=False)
async def read_docs(caller: Anyone, descriptions: DescriptionsPort) -> Response:
    """The same for people."""
    return HTMLResponse(
        descriptions.page,
        headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"},
    )
