"""Resolve the dependencies and write `requirements/*.txt`: hashed, and free of index URLs.

`uv.lock` itself names package hosts, so it stays out of the repository.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
UV = str(Path(sys.executable).with_name("uv"))
SERVICES = ("gateway", "grievance", "users", "files", "tasks", "chat")


def uv(*arguments: str) -> str:
    done = subprocess.run(
        [UV, *arguments],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"},
    )
    return done.stdout


def export(name: str, *selection: str) -> None:
    lines = uv(
        "export", "--frozen", "--no-emit-workspace", "--no-annotate", "--no-header", *selection
    )
    kept = [line for line in lines.splitlines() if "://" not in line and not line.startswith("-")]
    (ROOT / "requirements" / f"{name}.txt").write_text("\n".join(kept) + "\n")


def main() -> None:
    (ROOT / "requirements").mkdir(exist_ok=True)
    uv("lock", *sys.argv[1:])
    export("dev", "--all-packages", "--group", "dev")
    for service in SERVICES:
        export(service, "--package", f"redress-{service}", "--no-dev")


if __name__ == "__main__":
    main()
