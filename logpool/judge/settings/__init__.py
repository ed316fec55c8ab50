"""How each pool is set up, told from what its log states and from how the pool behaves.

What a log states outright is ``stated``, what only its behaviour shows ``inferred``, as bounds where that is all it
shows. Evidence that contradicts itself, as that of two pools under one logger does, tells nothing.
"""

from logpool.judge.settings.rules import settings_of
from logpool.judge.settings.watch import Watch

__all__ = ["Watch", "settings_of"]
