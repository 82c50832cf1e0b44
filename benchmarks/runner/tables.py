"""A run's figures on a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.runner.decode import add_up
from benchmarks.runner.results import Result
from benchmarks.runner.samples import Figures


def show(results: Sequence[Result], title: str) -> None:
    """Prints the figures by task, or by setting if there are several, and what they cost."""
    console = Console()
    console.print(_by_task(results[0], title) if len(results) == 1 else _means(results, title))
    cost = add_up(result.timing for result in results)
    console.print(
        f"{cost.seconds:.1f} s of decoding, {cost.programs} programs compiled, "
        f"{cost.occupancy:.0%} of the slots busy"
    )


def _by_task(result: Result, title: str) -> Table:
    figures = result.figures
    table = _table(title, "task")
    for row in [*figures, result.mean] if len(figures) > 1 else figures:
        table.add_row(row.task, *_cells(row), end_section=row is figures[-1])
    return table


def _means(results: Sequence[Result], title: str) -> Table:
    tasks = len(results[0].figures)
    table = _table(title, f"setting, mean of {tasks} tasks" if tasks > 1 else "setting")
    for result in results:
        table.add_row(result.name, *_cells(result.mean))
    return table


def _table(title: str, first: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for column in ("n", "accuracy", "forwards per row", "tokens per step"):
        table.add_column(column, justify="right")
    return table


def _cells(row: Figures) -> tuple[str, ...]:
    numbers = (f"{row.accuracy:.1f}", f"{row.forwards:.1f}", f"{row.tokens_per_step:.2f}")
    return (str(row.n), *numbers)
