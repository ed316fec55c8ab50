"""A pool's settings in words: what is known, and how it is known where the log does not state it."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logpool.report.model import Setting, Settings

_UNITS = {"pool_timeout": " s", "pool_recycle": " s"}
# seconds: that connections live on for less says little
_WORTH_SAYING = 60


def settings_rows(settings: Settings) -> list[str]:
    """One text for each setting of which something is known."""
    told = []
    for field in fields(settings):
        setting: Setting = getattr(settings, field.name)
        text = _told(field.name, setting)
        if text:
            told.append(f"{field.name} {text}")
    return told


def _told(name: str, setting: Setting) -> str:
    unit = _UNITS.get(name, "")
    stated = " (stated)" if setting.how == "stated" else ""
    if isinstance(setting.value, bool):
        return "yes" if setting.value else "no"
    if setting.value is not None:
        value = setting.value if isinstance(setting.value, str) else f"{setting.value:,.10g}"
        return f"{value}{unit}{stated}"
    if setting.low is not None and setting.high is not None:
        return f"{setting.low:,.10g} to {setting.high:,.10g}{unit}"
    if setting.low is not None:
        if name == "pool_recycle" and setting.low < _WORTH_SAYING:
            return ""
        never = " or never" if name == "pool_recycle" else ""
        return f"≥ {setting.low:,.10g}{unit}{never}"
    return "" if setting.high is None else f"≤ {setting.high:,.10g}{unit}"
