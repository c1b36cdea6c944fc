"""Tables of the users service. Everything that says who somebody is, is sealed."""

from services.users.models.audit import Act, AuditRow, ChainHead, ChainSeal
from services.users.models.base import GROUND, Base
from services.users.models.keys import ApiKey
from services.users.models.people import (
    Consent,
    ConsentPurpose,
    ContactChannel,
    Preference,
    User,
    principal_of,
)
from services.users.models.privacy import Export, RetentionRule, Reveal
from services.users.models.signing_in import (
    Credential,
    OtpChallenge,
    RecoveryCode,
    RefreshToken,
    Revocation,
    SecondFactor,
    Session,
)

__all__ = [
    "GROUND", "Act", "ApiKey", "AuditRow", "Base", "ChainHead", "ChainSeal", "Consent",
    "ConsentPurpose", "ContactChannel",
    "Credential", "Export", "OtpChallenge", "Preference", "RecoveryCode", "RefreshToken",
    "RetentionRule", "Reveal", "Revocation", "SecondFactor", "Session", "User", "principal_of",
]  # fmt: skip
