"""How the pool's messages begin, by which they are found wherever they stand in a line."""

from __future__ import annotations

from logpool.late import regex

#: a head is no longer, and neither is what stands before JSON
LONGEST, _LONGEST_BEFORE_JSON = 1 << 13, 1 << 8

#: how the pool's messages begin
STARTS = regex(
    r"Created new connection |Error on connect\(\):|Connection (?=.{1,4000} (?:checked out from pool"
    r"|being returned to pool|reset, transaction already reset|rollback-on-return|commit-on-return"
    r"|is fresh, skipping pre-ping|exceeded timeout; recycling"
    r"|invalidated due to (?:pool|local soft) invalidation; recycling|threw an error on close))"
    r"|Pool pre-ping on connection |Disconnection detected on checkout|Reconnection attempts exhausted on checkout"
    r"|Exception during reset or similar|(?:Soft )?Invalidate connection |(?:Hard-c|C)losing connection "
    r"|Exception (?:closing|terminating) connection |Cancellation during terminate of connection |Pool recreating"
    r"|Pool disposed\.|The garbage collector is trying to clean up |Time taken: |Average time taken: |Job done\."
)
#: how messages begin, and what only they hold
PART_OF_A_MESSAGE = regex(
    r"\b(?:Created|Error on|Connection|Pool|Disconnection|Reconnection|Exception|Soft|Invalidate|(?:Hard-c|C)losing"
    r"|Cancellation|The garbage|Time taken|Average|Job done|onnection|pool)\b|<[\w.]*[Cc]onnection"
)
#: their words
WORDS_OF_STARTS = (
    "Connection Created new Error on Pool pre-ping Disconnection detected checkout Reconnection attempts exhausted",
    "Exception during reset or similar Soft Hard Invalidate closing Cancellation terminate recreating disposed",
    "The garbage collector is trying to clean up Time taken Average Job done Traceback During handling above",
)


def bounded(text: str) -> str:
    """What of a line is looked at: no more than a head has, but for a message that begins in there, and for JSON."""
    if len(text) <= LONGEST or "{" in text[:_LONGEST_BEFORE_JSON] or STARTS.search(text, 0, LONGEST):
        return text
    return text[:LONGEST]
