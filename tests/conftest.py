"""What several test modules share."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from logpool.read.rests import Rest
from logpool.read.vocabulary import Reader
from logpool.runner.servers import private_postgres

# how long an example takes tells of the machine, and of what else it does; all tests are to take ten minutes at most
settings.register_profile("untimed", deadline=None, max_examples=60)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a private PostgreSQL server, one for the whole test session."""
    with private_postgres() as url:
        yield url


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are parsed from now on."""
    parsed: list[str] = []
    parse = Reader.parsed

    def counted(reader: Reader, rest: Rest) -> object:
        parsed.append(rest.text)
        return parse(reader, rest)

    monkeypatch.setattr(Reader, "parsed", counted)
    return parsed
