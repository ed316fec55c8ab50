"""What several test modules share."""

from collections.abc import Iterator

import pytest

from logpool.runner.servers import private_postgres


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a private PostgreSQL server, one for the whole test session."""
    with private_postgres() as url:
        yield url
