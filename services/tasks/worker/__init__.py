"""The workers of the tasks service, put together: for its own process, or for one of theirs."""

from libs.common.web.service import Background, Service
from services.tasks.clients.children import Children
from services.tasks.clients.peers import FilesClient, GrievanceClient
from services.tasks.domain.kinds import KINDS
from services.tasks.domain.registry import Registry, Tools
from services.tasks.models import Lane
from services.tasks.settings import TasksSettings
from services.tasks.worker.lanes import Limits, Worker


def open_works(
    service: Service, settings: TasksSettings, *, registry: Registry = KINDS
) -> tuple[Background, ...]:
    """The workers of the lanes the settings name, and the sweep of the ledger."""
    children = Children(settings.children, hard_limit=settings.hard_limit)
    tools = Tools(
        GrievanceClient(service.peer("grievance")), FilesClient(service.peer("files")), children
    )
    limits = Limits(settings.soft_limit, settings.hard_limit, settings.lease_seconds)
    worker = Worker(service.uow, service.bus, registry=registry, tools=tools, limits=limits)
    lanes = [Lane(name) for name in settings.lanes]

    async def work() -> None:
        try:
            await worker.run(lanes)
        finally:
            await children.close()

    sweep = service.round("tasks.sweep", worker.sweep, seconds=settings.sweep_seconds)
    return (work, sweep, children.tend)
