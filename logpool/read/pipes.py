"""Bytes that can be read only once: standard input, and pipes with names."""

from __future__ import annotations

import os
import select
import sys
import time
import weakref
from typing import TYPE_CHECKING, Protocol

from logpool.read.damage import reason

if TYPE_CHECKING:
    from logpool.read.files import Stream

#: how long to wait for somebody to write to a named pipe
PATIENCE_SECONDS = 10.0


class PipeStream:
    """Standard input, or a named pipe: read once, from its beginning to its end."""

    def __init__(self, pipe: _Readable, begun: bytes = b"") -> None:
        self.failure: str | None = None
        self._pipe = pipe
        self._begun = begun

    def read(self, size: int) -> bytes:
        """The next bytes; waits for them."""
        data, self._begun = self._begun[:size], self._begun[size:]
        pieces = [data]
        left = size - len(data)
        # a pipe gives little at a time
        while left and (more := self._some(left)):
            pieces.append(more)
            left -= len(more)
        return b"".join(pieces)

    def _some(self, size: int) -> bytes:
        if self.failure:
            return b""
        try:
            while (data := self._pipe.read(size)) is None:
                # a pipe that somebody set to return at once
                select.select([self._pipe], [], [])
        except (OSError, ValueError) as error:
            self.failure = reason(error)
            return b""
        return data

    def close(self) -> None:
        """Nothing: standard input is not ours to close, and a named pipe closes by itself."""


class _NamedPipe:
    """An open pipe, which is closed when nobody knows it any more: its bytes are read only once."""

    def __init__(self, number: int) -> None:
        self._number = number
        weakref.finalize(self, os.close, number)

    def fileno(self) -> int:
        return self._number

    def read(self, size: int) -> bytes:
        return os.read(self._number, size)


class _Readable(Protocol):
    """What a pipe is read through."""

    def fileno(self) -> int: ...

    def read(self, size: int, /) -> bytes | None: ...


def standard_input() -> Stream:
    """What is piped in.

    Raises:
        OSError: there is none.
    """
    if sys.stdin is None:
        raise OSError("it is closed")
    # whatever has a buffer has a lock, and no program ends well while a thread that reads on holds it
    return PipeStream(getattr(sys.stdin.buffer, "raw", sys.stdin.buffer))


def named_pipe(path: str) -> Stream:
    """What comes through a pipe with a name.

    Raises:
        OSError: it cannot be opened; or, after a while, nobody writes to it.
    """
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    pipe = _NamedPipe(number)
    begun = _first_byte(number)
    if begun is None:
        raise OSError("nobody writes to this pipe")
    os.set_blocking(number, True)
    return PipeStream(pipe, begun)


def _first_byte(number: int) -> bytes | None:
    """Waits for a writer, as the pipe itself would for ever: None where none comes.

    Returns:
        What was read to see whether there is one: nothing, as a rule.
    """
    poll = select.poll()
    poll.register(number, select.POLLIN | select.POLLHUP)
    end = time.monotonic() + PATIENCE_SECONDS
    while not poll.poll(50):
        try:
            data = os.read(number, 1)
        except BlockingIOError:
            # there is one, who has not written yet
            return b""
        if data or time.monotonic() > end:
            return data or None
    return b""
