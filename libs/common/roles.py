"""The roles of domain.md, and how well each is known."""

from enum import IntEnum, StrEnum


class Level(IntEnum):
    """How well we know a caller. Each level may do what the ones before it may."""

    ANYONE = 0
    GUEST = 1
    IDENTIFIED = 2
    AUTHENTICATED = 3
    STAFF = 4
    ADMIN = 5


class Role(StrEnum):
    GUEST = "guest"
    CITIZEN = "citizen"
    API_CLIENT = "api_client"
    SERVICE = "service"
    INTAKE_OFFICER = "intake_officer"
    SITE_SAFEGUARDS_FOCAL_PERSON = "site_safeguards_focal_person"
    PD_PIU_SAFEGUARDS_FOCAL = "pd_piu_safeguards_focal"
    PIU_PROJECT_DIRECTOR = "piu_project_director"
    GRC_CHAIR = "grc_chair"
    GRC_MEMBER = "grc_member"
    LABOUR_OFFICER = "labour_officer"
    SEAH_NATIONAL_OFFICER = "seah_national_officer"
    SEAH_HQ_OFFICER = "seah_hq_officer"
    ADB_NATIONAL_PROJECT_DIRECTOR = "adb_national_project_director"
    ADB_HQ_SAFEGUARDS = "adb_hq_safeguards"
    ADB_HQ_EXEC = "adb_hq_exec"
    AUDITOR = "auditor"
    PROJECT_ADMIN = "project_admin"
    COUNTRY_ADMIN = "country_admin"
    SUPER_ADMIN = "super_admin"

    @property
    def level(self) -> Level:
        """The level this role is let in at."""
        return _LEVELS.get(self, Level.STAFF)

    @property
    def is_staff(self) -> bool:
        """Whether whoever has this role works for the institution."""
        return self.level >= Level.STAFF


_SERVICE = Role.SERVICE
"""Looked up once: an enum's members are dear to look up on some Pythons."""
_LEVELS = {
    Role.GUEST: Level.GUEST,
    Role.CITIZEN: Level.AUTHENTICATED,
    Role.API_CLIENT: Level.AUTHENTICATED,
    Role.SERVICE: Level.ANYONE,  # a service is let in where a route says so, and nowhere else
    Role.PROJECT_ADMIN: Level.ADMIN,
    Role.COUNTRY_ADMIN: Level.ADMIN,
    Role.SUPER_ADMIN: Level.ADMIN,
}

SEAH_ROLES = frozenset({Role.SEAH_NATIONAL_OFFICER, Role.SEAH_HQ_OFFICER})
"""Who works SEAH cases, and works nothing else."""

READS_SEAH = SEAH_ROLES | {Role.ADB_HQ_EXEC}
"""To whom SEAH cases exist at all; to nobody else, whatever their role may do."""

OBSERVERS = frozenset(
    {
        Role.ADB_NATIONAL_PROJECT_DIRECTOR,
        Role.ADB_HQ_SAFEGUARDS,
        Role.ADB_HQ_EXEC,
        Role.AUDITOR,
    }
)
"""Staff who read and never act."""

SUPERVISORS = frozenset({Role.PROJECT_ADMIN, Role.COUNTRY_ADMIN, Role.SUPER_ADMIN})
