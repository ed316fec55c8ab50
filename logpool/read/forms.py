"""Which digits and letters a time has where: by its form it is found in a line, wherever it stands.

The compiled part finds times in the same way, so that whoever learns from a line can tell what it will find there.
"""

from __future__ import annotations

import re
from functools import lru_cache

from logpool.native.cutting import BOUNDS

_ANY = {"0": "[0-9]", "9": "[0-9 ]", "a": "[A-Za-z]"}


def form_of(time: str) -> str:
    """A time with 0 in the place of each digit and a in that of each letter; 9 in that of one which a space may pad."""
    form = re.sub(r"[A-Za-z]", "a", re.sub(r"\d", "0", time))
    return re.sub(r"^aaa [ 0](?=0)", "aaa 9", form)


def first_of_form(form: str, line: str, begin: int) -> tuple[int, int] | None:
    """From where to where the first text of a form stands in a line, behind a place; what is part of a path is none.

    Of all that locates something, paths alone are told, by a slash before the time in the same word: to find out more
    takes a look at the whole line. Where that is not enough, the time of a line is found at its place.
    """
    is_one_word = not any(bound in form for bound in BOUNDS)
    while found := _texts_of(form).search(line, begin):
        word = max(line.rfind(bound, 0, found.start()) for bound in BOUNDS)
        if not is_one_word or "/" not in line[word + 1 : found.start()]:
            return found.span()
        begin = found.start() + 1
    return None


@lru_cache(maxsize=1 << 8)
def _texts_of(form: str) -> re.Pattern[str]:
    """Texts of a form, but what figures, or a word, go on with."""
    pattern = re.sub("[09a]", lambda one: _ANY[one[0]], re.escape(form))
    # what begins with a year may stand behind the number of a line, as grep prints it
    marks = "./-" if re.match("0000[^09a]", form) else ".:/-"
    before = "(?<![0-9A-Za-z_\x80-\U0010ffff])" if form.startswith("a") else f"(?<![0-9])(?<![0-9][{marks}])"
    return re.compile(rf"{before}{pattern}(?![0-9])")
