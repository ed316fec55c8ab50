"""The levels at which pools of any version say what they say."""

from __future__ import annotations

from logpool.schema import Kind

#: by kind; in two versions a message may have two levels
LEVELS: dict[Kind, frozenset[str]] = {
    kind: frozenset(levels.split())
    for levels, kinds in (
        ("DEBUG", (Kind.CREATED, Kind.CHECKED_OUT, Kind.RETURNED, Kind.RESET, Kind.CLOSING, Kind.CONNECT_FAILED)),
        ("DEBUG", (Kind.PINGED, Kind.PING_FAILED, Kind.PING_SKIPPED)),
        ("INFO", (Kind.INVALIDATED, Kind.SOFT_INVALIDATED, Kind.RECYCLED, Kind.DISCONNECTED)),
        ("INFO", (Kind.RECONNECT_EXHAUSTED, Kind.RECREATED, Kind.DISPOSED)),
        ("ERROR", (Kind.RECLAIMED, Kind.RESET_FAILED)),
        ("ERROR DEBUG", (Kind.CLOSE_FAILED,)),
    )
    for kind in kinds
}
