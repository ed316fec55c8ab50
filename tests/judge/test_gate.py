"""What fails, and what does not."""

from __future__ import annotations

import pytest

from logpool.errors import UsageError
from logpool.judge.gate import Gate
from logpool.judge.thresholds import Thresholds
from logpool.report.model import Finding

WARNING = Finding("left_out_at_end", "warning", None, 1, "")


@pytest.mark.parametrize(
    ("words", "fails"),
    [
        ([], False),
        (["error"], False),
        (["warning"], True),
        (["info"], True),
        (["left_out_at_end"], True),
        (["pool_exhausted"], False),
        (["error,left_out_at_end"], True),
        (["error", "warning"], True),
    ],
)
def test_gate(words: list[str], *, fails: bool) -> None:
    assert Gate.of(words).fails([WARNING]) is fails
    assert not Gate.of(words).fails([])


def test_an_unknown_word_is_an_error() -> None:
    with pytest.raises(UsageError, match="'left_out' is neither a severity nor a finding"):
        Gate.of(["error", "left_out"])


def test_thresholds_are_set_by_name() -> None:
    assert Thresholds.of(["held-too-long=2.5"]).held_too_long == 2.5
    assert Thresholds.of([]) == Thresholds()


@pytest.mark.parametrize("setting", ["held_too_long", "held_too_long=", "held_too_long=-1", "held_too_long=nan", "x=1"])
def test_a_wrong_threshold_is_an_error(setting: str) -> None:
    with pytest.raises(UsageError):
        Thresholds.of([setting])
