"""Whether what was found is bad enough to fail: the gate of ``--fail-on``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logpool.classes import dataclass
from logpool.errors import UsageError
from logpool.schema import FINDINGS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logpool.report.comparison import Comparison, FindingChange
    from logpool.report.model import Finding, Severity

#: the severities, the worst first
SEVERITIES = ("error", "warning", "info")
#: what makes a comparison fail on every reason to call the other log worse
WORSE = "worse"


@dataclass(frozen=True)
class Gate:
    """What to fail on.

    Attributes:
        words: severities, which stand for themselves and what is worse, and codes of findings.
    """

    words: frozenset[str] = frozenset()

    @classmethod
    def of(cls, words: Iterable[str], *, others: tuple[str, ...] = ()) -> Gate:
        """A gate of what a user gave; of two logs, with ``WORSE`` among the others.

        Raises:
            UsageError: a word is neither a severity, nor a finding's code, nor one of the others.
        """
        given = [word.strip() for text in words for word in text.split(",")]
        for word in given:
            if word not in SEVERITIES and word not in FINDINGS and word not in others:
                hint = f"there are {', '.join((*others, *SEVERITIES, *FINDINGS))}"
                raise UsageError(f"--fail-on {word!r} is neither a severity nor a finding", hint)
        return cls(frozenset(given))

    def fails(self, findings: Iterable[Finding]) -> bool:
        """Whether one of the findings is what to fail on."""
        return any(self._fails(finding.code, finding.severity) for finding in findings)

    def fails_on(self, comparison: Comparison) -> bool:
        """Whether the other log has what to fail on and the baseline has not, at least not as severe."""
        new = [*comparison.findings.appeared, *(one for one in comparison.findings.changed if is_worse(one))]
        if any(self._fails(one.code, one.other_severity or "info") for one in new):
            return True
        return WORSE in self.words and bool(comparison.worse)

    def _fails(self, code: str, severity: Severity) -> bool:
        worst = [rank for rank, word in enumerate(SEVERITIES) if word in self.words]
        return code in self.words or SEVERITIES.index(severity) <= max(worst, default=-1)


def is_worse(change: FindingChange) -> bool:
    """Whether a finding appeared, or became more severe."""
    if change.other_severity is None:
        return False
    if change.baseline_severity is None:
        return True
    return SEVERITIES.index(change.other_severity) < SEVERITIES.index(change.baseline_severity)
