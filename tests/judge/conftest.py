"""What the tests of findings drive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


@pytest.fixture
def sqlite(tmp_path: Path) -> Callable[..., sa.Engine]:
    def engine(**settings: Any) -> sa.Engine:  # noqa: ANN401 - as create_engine takes them
        connect = {"check_same_thread": False}
        settings.setdefault("poolclass", sa.QueuePool)
        return sa.create_engine(f"sqlite:///{tmp_path}/app.db", connect_args=connect, **settings)

    return engine
