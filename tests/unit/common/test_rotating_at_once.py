"""Issue 4: signing keys are rotated by one at a time, whoever else tries."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from libs.common.tokens import Signer, UnderWay, rotate
from libs.common.tokens.keyfiles import Jwk, KeyFiles, public_jwk
from scripts.rotate_keys import PROGRAMS


def test_two_rotations_at_once_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two new keys one would sign, and the other be the one that is published."""
    signs = Signer.at("users", tmp_path).public_jwk["kid"]
    met, publish = threading.Barrier(2), KeyFiles.publish

    def publish_when_both_are_here(files: KeyFiles, document: dict[str, list[Jwk]]) -> None:
        with suppress(threading.BrokenBarrierError):
            met.wait(0.5)
        publish(files, document)

    monkeypatch.setattr(KeyFiles, "publish", publish_when_both_are_here)
    with ThreadPoolExecutor(2) as pool:
        rotations = [pool.submit(rotate, "users", tmp_path) for _ in range(2)]

    refused = [each for each in rotations if isinstance(each.exception(), UnderWay)]
    [done] = [each.result() for each in rotations if each not in refused]
    files = KeyFiles("users", tmp_path)
    assert len(refused) == 1
    assert [each["kid"] for each in files.document()["keys"]] == [signs, done.kid]
    assert public_jwk("users", files.coming.read_bytes())["kid"] == done.kid


def test_two_commands_at_once_are_one_rotation(tmp_path: Path) -> None:
    """`make rotate-keys` in two windows: one does it, the other is told that it is under way."""
    command = [sys.executable, "-m", "scripts.rotate_keys"]
    environment = {**os.environ, "REDRESS_KEYS_DIR": str(tmp_path)}
    running = [
        subprocess.Popen(  # noqa: S603 - a command of ours
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [each.communicate(timeout=50)[1] for each in running]

    assert sorted(each.returncode for each in running) == [0, 1]
    assert sorted("does not sign yet" in each for each in said) == [False, True]
    for service in PROGRAMS:
        files = KeyFiles(service, tmp_path)
        [published] = files.document()["keys"]
        assert public_jwk(service, files.coming.read_bytes())["kid"] == published["kid"]
