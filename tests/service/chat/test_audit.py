"""What the audit log is told of conversations: what staff do. Citizens' words are their own."""

from libs.common.contracts.audit import AuditRecorded
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from tests.service.chat.conftest import Citizen, Meet

HARASSED = "The supervisor touches the women workers and asks for sexual favours."


async def test_staff_who_end_a_conversation_are_on_record(stage: Stage, meet: Meet) -> None:
    """Issue 4, audit: from every service; twice is once, and a protected one is told to few."""
    for text in ("Hello", HARASSED):
        officer: Citizen = meet("user:5", Role.INTAKE_OFFICER)
        await officer.say(text)
        for _ in range(2):
            assert (await officer.http.post(f"{officer.path}/close")).status_code == 200

    facts = await stage.said(AuditRecorded)
    assert [(fact.who, fact.act, fact.is_restricted) for fact in facts] == [
        ("user:5", "conversation_closed", False),
        ("user:5", "conversation_closed", True),
    ]


async def test_citizens_talk_and_leave_without_being_audited(stage: Stage, sita: Citizen) -> None:
    await sita.file()
    await sita.http.post(f"{sita.path}/close")

    assert await stage.said(AuditRecorded) == []
