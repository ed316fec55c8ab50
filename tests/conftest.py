"""What several test modules share."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from logpool.runner.servers import private_postgres

# how long an example takes tells of the machine, and of what else it does
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a private PostgreSQL server, one for the whole test session."""
    with private_postgres() as url:
        yield url
