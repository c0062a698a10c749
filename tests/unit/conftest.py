"""What several of these tests start from."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit_house import Good, said

from hub.testing import golden


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Golden files of a good till."""
    golden.write(True)
    try:
        for name in ("golden_requests", "settings_have_not_drifted"):
            assert said(Good, name, tmp_path) == ""
    finally:
        golden.write(False)
    return tmp_path
