"""What each command has to be told, and what `--help` says of it."""

import argparse
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

from services.users.app import commands

Options = Callable[[argparse.ArgumentParser], None]

COMMANDS = {
    "create-admin": ("appoint a super_admin; password from stdin", commands.create_admin),
    "reset-totp": ("take somebody's second factor away", commands.reset_totp),
    "revoke": ("end sessions, or revoke an API key, everywhere", commands.revoke),
    "rotate": ("give users a new key to sign tokens with", commands.rotate),
    "verify-audit": ("check that the audit log is what was written", commands.verify_audit),
}


def _create_admin(parser: argparse.ArgumentParser) -> None:
    _describe(
        parser,
        """
        Appoint a super_admin. The password is one line of stdin; without one, a password is made
        and shown this once. Never give it as an argument: arguments are everybody's to read.
        """,
        """
        python -m services.users create-admin --username root.two < password-file
        python -m services.users create-admin --username root.two < /dev/null
        """,
    )
    _login(parser)


def _reset_totp(parser: argparse.ArgumentParser) -> None:
    _describe(
        parser,
        """
        Take away the authenticator and the recovery codes of somebody who lost both, and end
        their sessions. Make sure first that it is they who ask. They enrol a new authenticator
        when they sign in next.
        """,
        "python -m services.users reset-totp --username sita.officer",
    )
    _login(parser)


def _revoke(parser: argparse.ArgumentParser) -> None:
    _describe(
        parser,
        """
        End all sessions of somebody, or one session, or have an API key open nothing any more.
        Every service refuses them within five seconds.
        """,
        """
        python -m services.users revoke --username sita.officer
        python -m services.users revoke --session 019cac98-c1f0-7e47-93b6-8a5d5d1e8a40
        python -m services.users revoke --api-key 019cac98-c1f0-7e47-93b6-8a5d5d1e8a40
        """,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--username", help="whose sessions to end: what they sign in as")
    what.add_argument("--session", metavar="ID", help="the session to end, by its id")
    what.add_argument("--api-key", metavar="ID", help="the key to revoke, by its id, never itself")


def _rotate(parser: argparse.ArgumentParser) -> None:
    _describe(
        parser,
        """
        Give users a new key to sign tokens with. It is published at once and signs after 40
        seconds, when everybody knows it; what older keys signed holds until it is over. Nobody
        notices. `--withdraw` is for a key that somebody else has: whatever it signed is refused
        from now on, and everybody signs in again.
        """,
        """
        python -m services.users rotate
        python -m services.users rotate --withdraw
        """,
    )
    parser.add_argument("--withdraw", action="store_true", help="refuse what older keys signed")


def _verify_audit(parser: argparse.ArgumentParser) -> None:
    _describe(
        parser,
        """
        Read the audit log from its first row to its head, and check every row, the head and every
        seal. Prints how many were checked; exit status 1 names the first bad row and what was
        done to it. Give the folder you carry seals away to: somebody who could write anything
        here could not write there.
        """,
        """
        python -m services.users verify-audit
        python -m services.users verify-audit --seals /mnt/elsewhere/audit-seals
        """,
    )
    parser.add_argument("--seals", type=Path, metavar="DIR", help="where the seals lie as files")


OPTIONS: dict[str, Options] = {
    "create-admin": _create_admin,
    "reset-totp": _reset_totp,
    "revoke": _revoke,
    "rotate": _rotate,
    "verify-audit": _verify_audit,
}


def _login(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--username", required=True, help="what they sign in as")


def _describe(parser: argparse.ArgumentParser, text: str, examples: str) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = dedent(text).strip()
    lines = dedent(examples).strip().splitlines()
    parser.epilog = "\n".join(["examples:", *(f"  {line}" for line in lines)])
