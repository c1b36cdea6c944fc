"""What the scripts sign in with, as the first start wrote it down."""

from pathlib import Path

import pytest

from scripts.demo.api import Unexpected
from scripts.demo.people import administrator


def test_who_upgraded_is_told_how_the_administrator_enrols(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before administrators had a second factor, a first start wrote a password alone."""
    (tmp_path / "admin-password").write_text("correct-horse-battery\n")
    monkeypatch.setenv("REDRESS_DATA_DIR", str(tmp_path))

    with pytest.raises(Unexpected, match=r"older installation .* docs/administration\.md"):
        administrator()
