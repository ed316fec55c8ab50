"""The same records printed in every layout, in every wrapper, with every driver's connection text."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone

HEAD = re.compile(r"(\S+ \S+) - (\S+) - (\w+) - (.*)", re.DOTALL)
SQLITE = re.compile(r"<sqlite3\.Connection object at (0x[0-9a-f]+)>")
EAST = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class Printed:
    """One record, with all that a layout may show."""

    time: datetime
    name: str
    level: str
    message: str
    process: int = 4242
    thread: str = "Thread-1"


def records(text: str) -> list[Printed]:
    """The records of a log in the document's layout; continuation lines stay with their record."""
    found: list[Printed] = []
    for line in text.splitlines():
        match = HEAD.fullmatch(line)
        if match:
            time = datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S,%f")  # noqa: DTZ007 - a log's local time
            found.append(Printed(time, match[2], match[3], match[4]))
        elif found:
            found[-1] = replace(found[-1], message=f"{found[-1].message}\n{line}")
    return found


def _comma(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S,") + f"{time.microsecond // 1000:03}"


def _dot(time: datetime, digits: int = 3) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S.") + f"{time.microsecond:06}".ljust(9, "0")[:digits]


def _iso(time: datetime, digits: int = 6) -> str:
    return _dot(time, digits).replace(" ", "T")


def _frame(r: Printed) -> str:
    """What loguru's intercept prints for a logger: the calling module."""
    return "sqlalchemy.pool.base" if r.name.startswith("sqlalchemy.pool.impl") else r.name


def _json(keys: str, time: Callable[[datetime], object]) -> Callable[[Printed], str]:
    at, level, name, message, process, thread = keys.split()

    def line(r: Printed) -> str:
        first, _, rest = r.message.partition("\n")
        values = {at: time(r.time), level: r.level, name: r.name, message: first, process: r.process, thread: r.thread}
        return json.dumps({**values, "exc_info": rest} if rest else values)

    return line


def _structlog(r: Printed) -> str:
    first, _, rest = r.message.partition("\n")
    line = f"{_iso(r.time)}Z [{r.level.lower():9}] {first:30} [{r.name}]"
    return f"{line}\n{rest}" if rest else line


def _coloured(r: Printed) -> str:
    first, _, rest = r.message.partition("\n")
    line = f"\x1b[2m{_iso(r.time)}Z\x1b[0m [\x1b[32m\x1b[1m{r.level.lower():9}\x1b[0m] \x1b[1m{first:30}\x1b[0m"
    line += f" [\x1b[0m\x1b[1m\x1b[34m{r.name}\x1b[0m]\x1b[0m"
    return f"{line}\n{rest}" if rest else line


def _logfmt(r: Printed) -> str:
    quoted = json.dumps(r.message)
    return f'time="{_iso(r.time, 3)}Z" level={r.level} logger={r.name} process={r.process} message={quoted}'


LAYOUTS: dict[str, Callable[[Printed], str]] = {
    "document": lambda r: f"{_comma(r.time)} - {r.name} - {r.level} - {r.message}",
    "echo_pool": lambda r: f"{_comma(r.time)} {r.level} {r.name} {r.message}",
    "basicConfig": lambda r: f"{r.level}:{r.name}:{r.message}",
    "Alembic": lambda r: f"{r.level:5} [{r.name}] {r.message}",
    "Pyramid": lambda r: f"{_comma(r.time)} {r.level:5} [{r.name}][{r.thread}] {r.message}",
    "Django": lambda r: f"{r.level} {_comma(r.time)} log {r.process} 140374585935424 {r.message}",
    "process and thread": lambda r: f"{_comma(r.time)} [{r.process}] [{r.thread}] {r.level} {r.name}: {r.message}",
    "ISO with zone": lambda r: f"{r.time.strftime('%Y-%m-%dT%H:%M:%S')}+08:00 - {r.name} - {r.level} - {r.message}",
    "ISO, nine digits": lambda r: f"{_iso(r.time, 9)}Z {r.message}",
    "pipes": lambda r: f"{_dot(r.time)} | Worker {r.process} | {r.name} | {r.message}",
    "loguru": lambda r: f"{_dot(r.time)} | {r.level:8} | {_frame(r)}:__connect:895 - {r.message}",
    "Home Assistant": lambda r: f"{_dot(r.time)} {r.level} (Recorder) [{r.name}] {r.message}",
    "Celery": lambda r: f"[{_comma(r.time)}: {r.level}/ForkPoolWorker-3] {r.message}",
    "oslo.log": lambda r: f"{_dot(r.time)} {r.process} {r.level} {r.name} [req-1 default] {r.message}",
    "Airflow": lambda r: f"[{_iso(r.time, 3)}+0000] {{base.py:895}} {r.level} - {r.message}",
    "uvicorn": lambda r: f"{r.level + ':':9} {r.message}",
    "gunicorn": lambda r: f"[{_dot(r.time, 0)[:19]} +0000] [{r.process}] [{r.level}] {r.message}",
    "pytest": lambda r: f"{r.level:8} {r.name}:base.py:895 {r.message}",
    "JSON, python-json-logger": _json("asctime levelname name message process threadName", _comma),
    "JSON, structlog": _json("timestamp level logger event pid thread", lambda t: f"{_iso(t)}Z"),
    "JSON, seconds": _json("ts severity logger msg pid thread", lambda t: t.replace(tzinfo=UTC).timestamp()),
    "JSON, milliseconds": _json(
        "time level logger_name message pid thread", lambda t: int(t.replace(tzinfo=UTC).timestamp() * 1000)
    ),
    "JSON, ECS": _json("@timestamp log.level log.logger message process.pid thread", lambda t: f"{_iso(t, 3)}Z"),
    "structlog": _structlog,
    "structlog, coloured": _coloured,
    "logfmt": _logfmt,
    "none": lambda r: r.message,
    "unknown": lambda r: f"~{r.process}~ at {_dot(r.time)} <<{r.level}>> {r.name} says {r.message}",
    "clock alone": lambda r: f"{_comma(r.time)[11:]} {r.level} {r.name} {r.message}",
    "clock alone, milliseconds as they are": lambda r: (
        f"[{r.time:%H:%M:%S},{r.time.microsecond // 1000}] {r.name}: {r.message}"
    ),
    "no year": lambda r: f"{r.time:%b} {r.time.day:2} {_dot(r.time)[11:]} [{r.thread}] {r.name} {r.message}",
    "glog": lambda r: f"{r.level[0]}{r.time:%m%d} {_dot(r.time, 6)[11:]} {r.process:7} base.py:895] {r.message}",
    "day first": lambda r: f"{r.time.strftime('%d.%m.%Y %H:%M:%S')} {r.level} {r.name} {r.message}",
}


def _every_line(prefix: Callable[[Printed], str]) -> Callable[[Printed, str], str]:
    return lambda r, text: "\n".join(prefix(r) + line for line in text.split("\n"))


def _cri(r: Printed, text: str) -> str:
    at = f"{_iso(r.time, 9)}Z stderr"
    lines = []
    for line in text.split("\n"):
        half = len(line) // 2
        lines += (
            [f"{at} P {line[:half]}", f"{at} F {line[half:]}"]
            if len(line) > 60 and half % 3 == 0
            else [f"{at} F {line}"]
        )
    return "\n".join(lines)


WRAPPERS: dict[str, Callable[[Printed, str], str]] = {
    "plain": lambda _, text: text,
    "docker compose": _every_line(lambda _: "web-1  | "),
    "docker logs -t": _every_line(lambda r: f"{_iso(r.time, 9)}Z "),
    "Kubernetes": _cri,
    "journald": _every_line(lambda r: f"{r.time.strftime('%b %d %H:%M:%S')} host python3.4[{r.process}]: "),
    "syslog, ISO": _every_line(lambda r: f"{_iso(r.time)}+00:00 host app[{r.process}]: "),
    "Heroku": _every_line(lambda r: f"{_iso(r.time)}+00:00 app[web.1]: "),
    "json-file": lambda r, text: "\n".join(
        json.dumps({"log": line + "\n", "stream": "stderr", "time": f"{_iso(r.time, 9)}Z"}, separators=(",", ":"))
        for line in text.split("\n")
    ),
    "docker compose, docker logs -t": _every_line(lambda r: f"web-1  | {_iso(r.time, 9)}Z "),
}

DRIVERS: dict[str, Callable[[str], str]] = {
    "psycopg2": lambda a: f"<connection object at {a}; dsn: 'dbname=app user=me password=xxx host=db', closed: 0>",
    "psycopg": lambda a: f"<psycopg.Connection [IDLE] (host=db user=me database=app) at {a}>",
    "psycopg async": lambda a: (
        f"<AdaptedConnection <psycopg.AsyncConnection [IDLE] (host=db user=me database=app) at {a}>>"
    ),
    "asyncpg": lambda a: f"<AdaptedConnection <asyncpg.connection.Connection object at {a}>>",
    "asyncpg, early 1.4": lambda a: (
        f"<sqlalchemy.dialects.postgresql.asyncpg.AsyncAdapt_asyncpg_connection object at {a}>"
    ),
    "aiosqlite, threads": lambda a: f"<AdaptedConnection <Connection(Thread-106, started daemon {int(a, 16)})>>",
    "sqlite3": lambda a: f"<sqlite3.Connection object at {a}>",
    "pyodbc": lambda a: f"<pyodbc.Connection object at {a}>",
    "mysqlclient": lambda a: f"<_mysql.connection open to 'localhost' at {a}>",
    "PyMySQL, Windows": lambda a: f"<pymysql.connections.Connection object at 0x{int(a, 16):016X}>",
    "MySQL Connector": lambda a: f"<mysql.connector.connection_cext.CMySQLConnection object at {a}>",
    "MariaDB": lambda a: f"<mariadb.connection connected to '127.0.0.1' at {a}>",
    "pg8000": lambda a: f"<pg8000.legacy.Connection object at {a}>",
    "mock": lambda a: f"<Mock name='mock.connect()' id='{int(a, 16)}'>",
    "unknown": lambda a: f"<some.Driver (x y) [z] {a} open>",
}


def printed(
    traffic: Iterable[Printed], layout: str = "document", wrapper: str = "plain", driver: str = "sqlite3"
) -> str:
    """A whole log."""
    lines = []
    for record in traffic:
        text = SQLITE.sub(lambda match: DRIVERS[driver](match[1]), record.message)
        changed = replace(record, message=text)
        lines.append(WRAPPERS[wrapper](changed, LAYOUTS[layout](changed)))
    return "\n".join(lines) + "\n"
