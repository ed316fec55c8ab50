"""Which numbers in a line matter: found out by putting others in their places, and reading the line again.

A log may have a number in each line that is of no account to a pool: of a request, a task, a row; or that is part of
a thread's name, where each request has a thread of its own. Read as they stand, such lines would all be texts of
their own. So of lines that differ in nothing but numbers, one is read in several ways.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from logpool.native.cutting import Pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from logpool.read.cuts import Rest
    from logpool.read.vocabulary import Parsed

# as the compiled part finds them: addresses have none
_NUMBER = re.compile(r"(?<![0-9A-Za-z])0x[0-9A-Za-z]*|(?<![0-9])([0-9]{1,7}|[0-9]{10,15})(?![0-9]|x(?<=0x))")
# what is put in their places: two others, of as many digits
_OTHERS = ("718273645546372", "364591827364591")
_THIRD = "555055505550555"
_LAST_BIT = 63


def pattern_of(rest: Rest, parsed: Callable[[Rest], Parsed]) -> Pattern:
    """What matters of the numbers in a line.

    Args:
        rest: the line, ids taken out.
        parsed: reads it.
    """
    return _Line(rest, parsed).pattern()


class _Line:
    def __init__(self, rest: Rest, parsed: Callable[[Rest], Parsed]) -> None:
        self._rest, self._parsed = rest, parsed
        spans = [match.span(1) for match in _NUMBER.finditer(rest.key) if match[1]]
        # a bit for each, and one for all that follow
        self._numbers = [[span] for span in spans[:_LAST_BIT]] + ([spans[_LAST_BIT:]] if spans[_LAST_BIT:] else [])
        self._told = parsed(rest)

    def pattern(self) -> Pattern:
        every = range(len(self._numbers))
        matter = set(self._mattering(0, len(self._numbers)))
        # together they may say what none of them says alone
        if not self._is_told_without([number for number in every if number not in matter]):
            matter = set(every)
        threads = [number for number in sorted(matter) if self._tells_thread(number)]
        for begin in self._threads_at() if threads else ():
            if all(self._is_thread_at(begin, threads, digits) for digits in _OTHERS):
                before = self._rest.key[:begin].encode()
                return Pattern(_bits(matter.difference(threads)), len(before), len(self._thread.encode()))
        return Pattern(_bits(matter))

    @property
    def _thread(self) -> str:
        return self._told.thread or ""

    def _mattering(self, first: int, end: int) -> Iterator[int]:
        """Those of some numbers that matter: most often none does, so halves are tried, and theirs."""
        if first == end or self._is_told_without(range(first, end)):
            return
        if end - first == 1:
            yield first
            return
        half = (first + end) // 2
        yield from self._mattering(first, half)
        yield from self._mattering(half, end)

    def _is_told_without(self, numbers: Iterable[int]) -> bool:
        """Whether the line says the same with others in the places of some numbers."""
        return all(self._parsed(self._varied(numbers, digits)) == self._told for digits in _OTHERS)

    def _varied(self, numbers: Iterable[int], digits: str) -> Rest:
        """The line with others in the places of some numbers, which ascend."""
        key, pieces, done = self._rest.key, [], 0
        for number in numbers:
            for begin, end in self._numbers[number]:
                own, other = key[begin:end], digits[: end - begin]
                pieces += [key[done:begin], other if own != other else _THIRD[: end - begin]]
                done = end
        return self._rest._replace(key="".join([*pieces, key[done:]]))

    def _tells_thread(self, number: int) -> bool:
        """Whether a number tells the thread, and nothing else."""
        varied = [self._parsed(self._varied([number], digits)) for digits in _OTHERS]
        return all(
            one.thread != self._thread and one._replace(thread=self._told.thread) == self._told for one in varied
        )

    def _threads_at(self) -> Iterator[int]:
        """Where the thread's name stands in the line."""
        begin = self._rest.key.find(self._thread)
        while begin >= 0:
            yield begin
            begin = self._rest.key.find(self._thread, begin + 1)

    def _is_thread_at(self, begin: int, numbers: list[int], digits: str) -> bool:
        """Whether the thread is always what stands there, whatever the numbers are that tell it."""
        varied = self._varied(numbers, digits)
        there = varied.key[begin : begin + len(self._thread)]
        return self._parsed(varied) == self._told._replace(thread=there)


def _bits(numbers: Iterable[int]) -> int:
    return sum(1 << number for number in numbers)
