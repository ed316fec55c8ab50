"""Writes the logs in this folder, and the truth about each: once per version of SQLAlchemy, in its own environment.

In an environment with that version and this project's tests on the path::

    python -m venv old && old/bin/pip install sqlalchemy==1.3.24
    PYTHONPATH=.:tests old/bin/python tests/versions/write.py

It writes ``<version>-<scenario>.log`` and ``<version>-<scenario>.json``.
"""

import json
import sys
import tempfile
from pathlib import Path

import sqlalchemy

from oracle import Scenario, run

HERE = Path(__file__).parent
SCENARIOS = {
    "queuepool": Scenario(pools=("QueuePool",), steps=80),
    "pre-ping-lifo": Scenario(pools=("QueuePool",), pre_ping=True, lifo=True, recycle=True, steps=80),
    "nullpool": Scenario(pools=("NullPool",), pre_ping=True, reset="commit", steps=60),
    "no-reset": Scenario(pools=("QueuePool",), reset=None, steps=60),
    # one user: a failure of one is told to another where a connection is shared
    "staticpool": Scenario(pools=("StaticPool",), steps=60, users=1),
}


def without_paths(log: str) -> str:
    """A log whose tracebacks do not tell where it was written."""
    places = {Path(sqlalchemy.__file__).parents[1]: "/app/lib", HERE.parents[1]: "/app", Path(sys.base_prefix): "/usr"}
    for place, shown in places.items():
        log = log.replace(str(place), shown)
    return log


def main() -> None:
    """Writes every scenario."""
    for seed, (name, scenario) in enumerate(SCENARIOS.items()):
        with tempfile.TemporaryDirectory() as folder:
            log, truth = run(seed, scenario, Path(folder))
        stem = HERE / f"{sqlalchemy.__version__}-{name}"
        stem.with_name(f"{stem.name}.log").write_text(without_paths(log), encoding="utf-8")
        figures = {logger or "all": numbers for logger, numbers in truth.end.figures.items()}
        said = {"figures": figures, "timeouts": truth.end.timeouts}
        stem.with_name(f"{stem.name}.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
