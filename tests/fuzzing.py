"""Ways to damage a log, by seed."""

import random
from collections.abc import Callable

Lines = list[bytes]


def _mutated(lines: Lines, chance: random.Random) -> Lines:
    out = []
    for line in lines:
        if line and chance.random() < 0.1:
            at = chance.randrange(len(line))
            line = line[:at] + bytes([chance.randrange(256)]) + line[at + chance.randrange(3) :]  # noqa: PLW2901
        out.append(line.replace(b"\n", b" "))
    return out


def _cut(lines: Lines, chance: random.Random) -> Lines:
    return [line[: chance.randrange(len(line) + 1)] if chance.random() < 0.1 else line for line in lines]


def _dropped(lines: Lines, chance: random.Random) -> Lines:
    return [line for line in lines if chance.random() > 0.1]


def _repeated(lines: Lines, chance: random.Random) -> Lines:
    return [line for line in lines for _ in range(1 + (chance.random() < 0.1))]


def _shuffled(lines: Lines, chance: random.Random) -> Lines:
    out = list(lines)
    for at in range(len(out) - 1):
        if chance.random() < 0.1:
            out[at], out[at + 1] = out[at + 1], out[at]
    return out


def _glued(lines: Lines, chance: random.Random) -> Lines:
    out: Lines = []
    for line in lines:
        if out and chance.random() < 0.05:
            out[-1] += line
        else:
            out.append(line)
    return out


DAMAGES: tuple[Callable[[Lines, random.Random], Lines], ...] = (
    _mutated,
    _cut,
    _dropped,
    _repeated,
    _shuffled,
    _glued,
)


def damaged(log: bytes, seed: int) -> bytes:
    """A log with some of these done to it."""
    chance = random.Random(seed)  # noqa: S311 - damage, no secret
    lines = log.split(b"\n")
    for damage in chance.sample(DAMAGES, chance.randint(1, len(DAMAGES))):
        lines = damage(lines, chance)
    return b"\n".join(lines)
