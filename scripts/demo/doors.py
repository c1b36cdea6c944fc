"""The other doors: the public API, and the path and body one source spells out literally."""

import base64

from scripts.demo import people
from scripts.demo.api import Caller
from scripts.demo.story import Staff, step
from scripts.samples.picture import drawing


async def play(anyone: Caller, staff: Staff) -> None:
    """The same short, twice."""
    await _api(anyone)
    await _seed(staff)


async def _api(anyone: Caller) -> None:
    step("The same over the API: one POST, repeated with its key as a bad line would")
    citizen = await people.guest(anyone)
    body = {
        "description": "The drinking water tap in our ward has been dry for nine days.",
        "project_type": "water",
        "place": {"municipality": "Dharan", "ward": 5},
        "contact": {"name": "Sita Sharma", "phone_number": people.a_phone()},
    }
    headers = {"Idempotency-Key": people.a_phone()}
    shown = ("grievance_id", "access_code", "status")
    first, again = [
        await citizen.post("/api/v1/grievances", json=body, headers=headers, show=shown)
        for _ in range(2)
    ]
    print(f"     → the same case both times: {first.data == again.data}")


async def _seed(staff: Staff) -> None:
    step("The source's literal POST /api/grievances/, by another system with an API key")
    system = await people.api_key(staff.admin)
    reference = f"GRV-DEMO-{people.a_phone()[-8:]}"
    body = {
        "grievance_id": reference,
        "user_info": {"phone_number": people.a_phone(), "name": "Sita Sharma"},
        "project_type": "road",
        "description": "The contractor left an open trench beside the new road.",
        "files": [
            {
                "file_id": f"{reference}-1",
                "file_type": "image",
                "file_data": base64.b64encode(drawing()).decode(),
            }
        ],
    }
    await system.post("/api/grievances/", json=body, show=("grievance_id", "access_code", "status"))
    await system.get(f"/api/grievances/{reference}/", show=("grievance_id", "status", "files"))
    await system.get(f"/grievance/{reference}", show=("grievance_id", "status", "categories"))
