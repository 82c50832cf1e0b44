"""One rule over given examples, under the names that training knows."""

from benchmarks.runner.given import answers as run
from benchmarks.runner.samples import mean, summarise

__all__ = ["mean", "run", "summarise"]
