"""The workers of the tasks service, put together: for its own process, or for one of theirs."""

from libs.common.settings import SERVICES
from libs.common.web.running import Background
from libs.common.web.service import Service
from services.tasks.clients.children import Children
from services.tasks.clients.messengers import open_messengers
from services.tasks.clients.peers import FilesClient, GrievanceClient, UsersClient
from services.tasks.clients.people import PeopleClient
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
    shared = settings.shared
    tools = Tools(
        GrievanceClient(service.peer("grievance")),
        FilesClient(service.peer("files")),
        children,
        UsersClient(service.peer("users")),
        open_messengers(
            smtp_url=settings.smtp_url.get_secret_value() if settings.smtp_url else None,
            smtp_from=settings.smtp_from,
            data_dir=shared.data_dir,
            is_embedded=shared.is_embedded,
        ),
        PeopleClient({name: service.peer(name) for name in SERVICES}),
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
