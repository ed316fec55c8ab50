"""Whether what was found is bad enough to fail: the gate of ``--fail-on``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from logpool.errors import UsageError
from logpool.schema import FINDINGS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logpool.report.model import Finding

#: the severities, the worst first
SEVERITIES = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Gate:
    """What to fail on.

    Attributes:
        words: severities, which stand for themselves and what is worse, and codes of findings.
    """

    words: frozenset[str] = frozenset()

    @classmethod
    def of(cls, words: Iterable[str]) -> Gate:
        """A gate of what a user gave.

        Raises:
            UsageError: a word is neither a severity nor a finding's code.
        """
        given = [word.strip() for text in words for word in text.split(",")]
        for word in given:
            if word not in SEVERITIES and word not in FINDINGS:
                hint = f"there are {', '.join((*SEVERITIES, *FINDINGS))}"
                raise UsageError(f"--fail-on {word!r} is neither a severity nor a finding", hint)
        return cls(frozenset(given))

    def fails(self, findings: Iterable[Finding]) -> bool:
        """Whether one of the findings is what to fail on."""
        worst = [rank for rank, severity in enumerate(SEVERITIES) if severity in self.words]
        return any(
            finding.code in self.words or SEVERITIES.index(finding.severity) <= max(worst, default=-1)
            for finding in findings
        )
