"""Sending one-time codes. The task knows which code, and never what it says or to whom."""

from pydantic import BaseModel

from services.tasks.clients.messengers import Message
from services.tasks.domain.registry import Job, Outcome, task
from services.tasks.models import Lane

SEALED_FOR = "otp"
"""One data key for all of them: what is kept of a sent code says nothing about anybody."""
SUBJECTS = {"ne": "तपाईंको कोड", "en": "Your code"}
TEXTS = {
    "ne": "{code} तपाईंको गुनासो सेवाको कोड हो। यो १० मिनेटसम्म मान्य छ। यो कोड कसैलाई नदिनुहोस्।",
    "en": "{code} is your code for the grievance service. It is good for 10 minutes. "
    "Give it to nobody.",
}


class OtpArguments(BaseModel):
    challenge_id: str


@task(
    lane=Lane.NOTIFICATIONS,
    retries=4,
    backoff=lambda retry: 10 * 2.0**retry,
    arguments=OtpArguments,
    sealed_for=lambda _: SEALED_FOR,
)
async def send_otp(arguments: OtpArguments, job: Job) -> Outcome:
    """Send a code, unless it was used or is too old by now: then there is nothing to send."""
    found = await job.tools.users.otp(arguments.challenge_id)
    language = found.language if found.language in TEXTS else "en"
    message = Message(
        reference=arguments.challenge_id,
        channel=found.channel,
        recipient=found.recipient,
        subject=SUBJECTS[language],
        text=TEXTS[language].format(code=found.code),
    )
    await job.tools.messengers.send(message)
    return Outcome({"channel": found.channel})
