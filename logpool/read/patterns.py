"""Which numbers and words in a line matter: found out by putting others in their places, and reading the line again.

A log may have a number in each line that is of no account to a pool: of a request, a task, a row; or that is part of
a thread's name, where each request has a thread of its own. It may as well have a word: a user, a path, a tenant. Read
as they stand, such lines would all be texts of their own. So of lines that differ in nothing but these variables, one
is read in several ways.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from logpool.native.variables import Pattern, variables_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from logpool.native.variables import Words
    from logpool.read.rests import Rest
    from logpool.read.vocabulary import Parsed

# what is put in the place of a number, as many digits of it, of a word, of an address, or of a path and its like: two
# others, and one where these are its own
_DIGITS = (b"718273645546372", b"364591827364591", b"555055505550555")
_WORDS = (b"wxqzjk", b"yvqk", b"zkxwvqy")
_ADDRESSES = (b"0x7f1827364591", b"0x7f3645918270", b"0x7f5550555055")
_LOCATORS = (b"/wxqzjk", b"yvqk@3645918.273", b"zkxwvqy://555")
_WAYS, _THIRD = (0, 1), 2
_LAST_BIT = 63
# where it stands, what is behind it is looked through for certain numbers, and parts of words
_READ_CLOSELY = b"Error on connect"

#: what stands, by its mark, for an address that is not the one that is told, and a number of so many digits; likewise
#: for a word that begins with a small letter, a capital, a digit, and for any number
SAMPLES_OF_NUMBERS = {
    0x08: _ADDRESSES[0].decode(),
    **{0x0E + mark: _DIGITS[0][:width].decode() for mark, width in enumerate([*range(1, 8), *range(10, 16)])},
}
SAMPLES = {
    **SAMPLES_OF_NUMBERS,
    0x0B: _LOCATORS[0].decode(),
    0x1C: _WORDS[0].decode(),
    0x1D: _WORDS[0].decode().capitalize(),
    0x1E: (_DIGITS[0][:1] + _WORDS[0]).decode(),
    0x1F: _DIGITS[0][:1].decode(),
}
_OTHER_ADDRESS, _LOCATOR, _WORD, _CAPITAL, _BEGUN_BY_DIGIT, _ANY_NUMBER = 0x08, 0x0B, *range(0x1C, 0x20)


def pattern_of(rest: Rest, parsed: Callable[[Rest], Parsed], words: Words | None = None) -> Pattern:
    """What matters of the variables in a line.

    Args:
        rest: the line, ids taken out.
        parsed: reads it.
        words: those that are no variables; None where only numbers are.
    """
    return _Line(rest, parsed, words).pattern()


class _Line:
    def __init__(self, rest: Rest, parsed: Callable[[Rest], Parsed], words: Words | None) -> None:
        self._rest, self._parsed = rest, parsed
        self._key = rest.key.encode()
        found = self._all = variables_of(self._key, words)
        # a bit for each, and one for all that follow
        self._variables = [[one] for one in found[:_LAST_BIT]] + ([found[_LAST_BIT:]] if found[_LAST_BIT:] else [])
        self._told = parsed(rest)

    def pattern(self) -> Pattern:
        every = range(len(self._variables))
        closely = set(self._read_closely())
        for ways in (_WAYS[:1], _WAYS):
            matter = {*self._mattering(0, len(self._variables), ways), *closely}
            if self._is_told_without([number for number in every if number not in matter], _WAYS):
                break
        else:
            # together they say what none of them says alone
            matter = set(every)
        threads = [number for number in sorted(matter) if self._tells_thread(number)]
        for begin, end in self._threads_at() if threads else ():
            if all(self._is_thread_at(begin, end, threads, way) for way in _WAYS):
                some = enumerate(self._all[:_LAST_BIT])
                inside = [number for number, variable in some if begin <= variable.start < end]
                # where they are too many, the last one stands for several
                if all(number in inside for number in threads):
                    before, behind = self._all[inside[0]].start - begin, end - self._all[inside[-1]].end
                    return Pattern(_bits(matter.difference(threads)), inside[0], len(inside), before, behind)
        return Pattern(_bits(matter))

    def _read_closely(self) -> Iterator[int]:
        """Those of which a few tell something, and most do not: why a connect failed."""
        begin = self._key.find(_READ_CLOSELY)
        for number, variables in enumerate(self._variables if begin >= 0 else ()):
            if variables[-1].start > begin:
                yield number

    @property
    def _thread(self) -> str:
        return self._told.thread or ""

    def _mattering(self, first: int, end: int, ways: Sequence[int]) -> Iterator[int]:
        """Those of some variables that matter: most often none does, so halves are tried, and theirs."""
        if first == end or self._is_told_without(range(first, end), ways):
            return
        if end - first == 1:
            yield first
            return
        half = (first + end) // 2
        yield from self._mattering(first, half, ways)
        yield from self._mattering(half, end, ways)

    def _is_told_without(self, numbers: Sequence[int], ways: Sequence[int]) -> bool:
        """Whether the line says the same with others in the places of some variables."""
        return not numbers or all(self._read(numbers, way) == self._told for way in ways)

    def _read(self, numbers: Iterable[int], way: int) -> Parsed:
        """What the line says with others in the places of some variables, which ascend."""
        return self._parsed(self._rest._replace(key=self._varied(numbers, way, 0, len(self._key))))

    def _varied(self, numbers: Iterable[int], way: int, begin: int, end: int) -> str:
        """Part of the line with others in their places."""
        pieces, done = [], begin
        for number in numbers:
            for variable in self._variables[number]:
                if begin <= variable.start < end:
                    own = self._key[variable.start : variable.end]
                    pieces += [self._key[done : variable.start], _other(own, variable.mark, way)]
                    done = variable.end
        return b"".join([*pieces, self._key[done:end]]).decode()

    def _tells_thread(self, number: int) -> bool:
        """Whether a variable tells the thread, and nothing else."""
        varied = self._read([number], _WAYS[0])
        return varied.thread != self._thread and varied._replace(thread=self._told.thread) == self._told

    def _threads_at(self) -> Iterator[tuple[int, int]]:
        """From where to where the thread's name stands in the line, with whole variables in it."""
        thread = self._thread.encode()
        begin = self._key.find(thread)
        while begin >= 0:
            end = begin + len(thread)
            if not any(one.start < edge < one.end for edge in (begin, end) for one in self._all):
                yield begin, end
            begin = self._key.find(thread, begin + 1)

    def _is_thread_at(self, begin: int, end: int, numbers: list[int], way: int) -> bool:
        """Whether the thread is always what stands there, whatever the variables are that tell it."""
        return self._read(numbers, way) == self._told._replace(thread=self._varied(numbers, way, begin, end))


def _other(own: bytes, mark: int, way: int) -> bytes:
    """What is put in the place of a number, or a word, that leaves a mark."""
    found = _like(len(own), mark, way)
    return found if found != own else _like(len(own), mark, _THIRD)


def _like(size: int, mark: int, way: int) -> bytes:
    if mark == _OTHER_ADDRESS:
        return _ADDRESSES[way]
    if mark == _LOCATOR:
        return _LOCATORS[way]
    if mark == _ANY_NUMBER:
        return _DIGITS[way][: 2 * way + 1]
    if mark < _WORD:
        return _DIGITS[way][:size]
    if mark == _BEGUN_BY_DIGIT:
        return _DIGITS[way][:1] + _WORDS[way]
    return _WORDS[way].capitalize() if mark == _CAPITAL else _WORDS[way]


def _bits(numbers: Iterable[int]) -> int:
    return sum(1 << number for number in numbers)
