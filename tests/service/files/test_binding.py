"""A guest has proved who they are: what they sent is that person's (S4-06a)."""

from libs.common.contracts.grievance import GrievanceSubmitted
from libs.common.contracts.users import GuestBound, UserErased
from libs.common.principal import Role
from libs.common.testing.stage import Stage
from services.files.repository import FileRepository
from tests.service.files.conftest import stored_files, upload

GUEST = "guest:019cac98-7ac0-7b25-8f6a-3d1e9c4b7a58"
BOUND = GuestBound(user_id=7, guest_id=GUEST)


async def test_the_person_has_the_file_and_the_guest_has_it_no_more(stage: Stage) -> None:
    guest, person = stage.client(Role.GUEST, GUEST), stage.client(Role.CITIZEN, "user:7")
    file_id = await upload(guest)
    assert (await person.get(f"/api/v1/files/{file_id}")).status_code == 404
    await stage.say(BOUND, source="users")

    assert (await person.get(f"/api/v1/files/{file_id}")).status_code == 200
    assert (await guest.get(f"/api/v1/files/{file_id}")).status_code == 404
    assert (await guest.delete(f"/api/v1/files/{file_id}")).status_code == 404


async def test_a_guest_is_bound_to_the_first_person_alone(stage: Stage) -> None:
    file_id = await upload(stage.client(Role.GUEST, GUEST))
    await stage.say(BOUND, source="users")
    await stage.say(GuestBound(user_id=8, guest_id=GUEST), source="users")

    other = stage.client(Role.CITIZEN, "user:8")
    assert (await other.get(f"/api/v1/files/{file_id}")).status_code == 404


async def test_a_case_filed_in_the_guests_name_still_has_its_photos(stage: Stage) -> None:
    """Two services tell of it: the proof may be heard before the filing."""
    file_id = await upload(stage.client(Role.GUEST, GUEST))
    await stage.say(BOUND, source="users")
    fact = GrievanceSubmitted(
        grievance_id="GRV001", channel="chat", filed_by=GUEST, has_contact=False,
        file_ids=[file_id],
    )  # fmt: skip
    await stage.say(fact, source="grievance")

    async with stage.uow.read() as tx:
        found = await FileRepository(tx.session).get(file_id)
    assert (found.grievance_id, found.owner) == ("GRV001", "user:7")


async def test_erasing_the_person_erases_what_they_sent_as_a_guest(stage: Stage) -> None:
    await upload(stage.client(Role.GUEST, GUEST))
    await stage.say(BOUND, source="users")
    await stage.say(UserErased(user_id=7), source="users")

    assert stored_files(stage) == []
