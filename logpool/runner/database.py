"""The experiment's engine, and what its errors say: never a password."""

import re
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import sqlalchemy as sa
from sqlalchemy import exc, pool
from sqlalchemy.engine import make_url

from logpool.errors import DatabaseError, UsageError
from logpool.runner.experiment import POOL_OPTIONS, RESETS, Experiment

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Engine


def make_engine(experiment: Experiment, stack: ExitStack) -> "Engine":
    """Makes an engine that has not connected yet. The stack's end deletes a temporary database.

    Raises:
        UsageError: the URL cannot be used.
        DatabaseError: the driver cannot be loaded.
    """
    url = _url(experiment, stack)
    try:
        if not url.get_dialect().is_async:
            return sa.create_engine(url, **_engine_options(experiment, url))
    except exc.NoSuchModuleError as error:
        message = f"the database URL cannot be used: SQLAlchemy does not know {url.drivername}"
        hint = "it knows postgresql, mysql, mariadb, oracle, mssql and sqlite, and what other packages bring"
        raise UsageError(message, hint) from error
    except ImportError as error:
        message = f"the driver of {url.drivername} cannot be loaded: {reason(error, url)}"
        raise DatabaseError(message, "install it, or name another one: postgresql+psycopg2://...") from error
    except (exc.SQLAlchemyError, TypeError, ValueError) as error:
        message = f"the database URL cannot be used: {reason(error, url)}"
        raise UsageError(message) from error
    message = f"the driver of {url.drivername} is asynchronous, which the experiment is not"
    raise UsageError(message, "name another one: postgresql+psycopg2://...")


def failure(error: Exception, url: "URL", *, connected: bool) -> DatabaseError:
    """What to tell the user of a query's error, which came before or after it was connected."""
    if connected:
        message = f"the query failed: {reason(error, url)}"
        return DatabaseError(message, "check --sql, which is sent as it stands")
    place = url.set(query={}).render_as_string(hide_password=True)
    hint = "check that the server runs there, and the names and the password in the URL"
    return DatabaseError(f"cannot connect to {place}: {reason(error, url)}", hint)


def reason(error: Exception, url: "URL") -> str:
    """The first line of what the driver says, without passwords."""
    text = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
    line = text.split("\n", 1)[0].strip()
    for secret in _secrets(url):
        for written in (secret, quote(secret, safe=""), quote_plus(secret)):
            line = line.replace(written, "***")
    return line.rstrip(".")


def _url(experiment: Experiment, stack: ExitStack) -> "URL":
    if experiment.url is None:
        folder = tempfile.TemporaryDirectory(prefix="logpool-", ignore_cleanup_errors=True)
        return make_url("sqlite://").set(database=str(Path(stack.enter_context(folder), "experiment.db")))
    hint = "write dialect+driver://user:password@host:port/database, with @ as %40 inside a name or password"
    try:
        url = make_url(experiment.url)
    except (exc.ArgumentError, ValueError):
        message = "the database URL cannot be read"
        raise UsageError(message, hint) from None  # the reason would show the password
    if "@" in (url.host or "") or "?" in experiment.url.rpartition("@")[0]:  # a password cut in two
        message = "the database URL has an @ or a ? that must be written as %40 or %3F"
        raise UsageError(message, hint)
    return url


def _engine_options(experiment: Experiment, url: "URL") -> dict[str, Any]:
    options = {name: getattr(experiment, name) for name in POOL_OPTIONS["QueuePool"]}
    given = {name: value for name, value in options.items() if value is not None}
    given |= {"poolclass": getattr(pool, experiment.pool), "future": True}  # 1.4 then works as 2.0 does
    given["pool_pre_ping"] = experiment.pre_ping
    if experiment.reset_on_return is not None:
        given["pool_reset_on_return"] = RESETS[experiment.reset_on_return]
    if url.get_backend_name() == "sqlite":  # the main thread closes the workers' connections
        given["connect_args"] = {"check_same_thread": False}
    return given


def _secrets(url: "URL") -> set[str]:
    """The URL's passwords, in its query too; a word that it shows anyway is none."""
    found = {str(url.password or "")}
    for name, values in url.normalized_query.items():
        for value in values:
            found.update(re.findall(r"(?i)(?:pass\w*|pwd|secret|token)\s*=\s*{?([^;}]+)", f"{name}={value}"))
    return found - {"", url.username, url.host, url.database}
