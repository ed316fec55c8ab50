"""The document's experiment against a real database: timed queries, and the pool's own log of them.

The log is what an application with the document's logging set-up writes, line by line. Nothing is written
before a first query has worked: a wrong address or a slip in the SQL leaves the log, which is appended to, as
it was.
"""

from logpool.runner.experiment import Experiment, Outcome, run
from logpool.runner.servers import private_postgres

__all__ = ["Experiment", "Outcome", "private_postgres", "run"]
