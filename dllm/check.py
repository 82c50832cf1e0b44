"""Checks a scheduler against its contract (`samplers.base`) and names the clause it breaks."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dllm.decode import Decoded
from dllm.row import Outcome
from dllm.rules import rule as rule_of_text
from dllm.scenes import LENGTH, POISON, first_step, middle_step, run_small, small_batch
from samplers import MASK, VOID, Move, Place, Scheduler
from samplers.parts import needs, start


class ContractError(ValueError):
    """A scheduler breaks a clause of its contract."""

    def __init__(self, rule: str, clause: str, detail: str) -> None:
        super().__init__(f"{rule} breaks clause {clause!r}: {detail}")
        self.clause = clause


class Report(NamedTuple):
    """What was checked."""

    rule: str
    clauses: dict[str, str]
    """Each clause with what was found."""
    seconds: float

    def __str__(self) -> str:
        lines = [f"{self.rule}: all {len(self.clauses)} clauses hold ({self.seconds:.0f} s)"]
        return "\n".join(lines + [f"  {name}: {found}" for name, found in self.clauses.items()])


def check(rule: Scheduler | type | str, **options: Any) -> Report:
    """Runs every clause; raises `ContractError` at the first that is broken.

    `rule` is a scheduler, its class, or a text as `dllm.rule` takes it (`"mine.py:Rule"`).
    """
    begun = time.monotonic()
    name, scheduler = _resolve(rule, options)
    found = {}
    for clause, test in CLAUSES.items():
        try:
            found[clause] = test(scheduler)
        except _BrokenError as broken:
            raise ContractError(name, clause, str(broken)) from broken.__cause__
    return Report(name, found, time.monotonic() - begun)


class _BrokenError(Exception):
    """Raised by a clause; carries what was found."""


def _resolve(rule: Scheduler | type | str, options: dict[str, Any]) -> tuple[str, Scheduler]:
    if isinstance(rule, str):
        return rule, rule_of_text(rule, **options)
    made = rule(**options) if isinstance(rule, type) else rule
    name = type(made).__name__
    if not isinstance(made, Scheduler):
        raise ContractError(name, "methods", "a scheduler needs a method update")
    return name, made


def _is_pytree(scheduler: Scheduler) -> str:
    leaves, structure = jax.tree.flatten(scheduler)
    if any(leaf is scheduler for leaf in leaves):
        raise _BrokenError("it is no pytree; decorate the class with @dllm.scheduler")
    for leaf in leaves:
        if not isinstance(leaf, int | float | np.ndarray | np.generic | jax.Array):
            raise _BrokenError(f"leaf {leaf!r} is no number or array; declare the field static")
    try:
        hash(structure)
    except TypeError as error:
        raise _BrokenError(f"a static field cannot be hashed ({error})") from error
    wanted = ", ".join(sorted(needs(scheduler))) or "nothing more"
    return f"{len(leaves)} hyper-parameters, needs {wanted}"


def _has_shapes(scheduler: Scheduler) -> str:
    for length in (8, 12):
        canvas = jnp.full(length, MASK, jnp.int32)
        try:
            state = start(scheduler, canvas)
            move = jax.eval_shape(_update, scheduler, *first_step(scheduler, canvas, state))
        except Exception as error:
            raise _BrokenError(f"{type(error).__name__} while tracing: {error}") from error
        _check_move(move, canvas, state)
    return "canvas, state and done keep shape and dtype"


def _check_move(move: Any, canvas: jax.Array, state: Any) -> None:
    if not isinstance(move, Move):
        got = type(move).__name__
        raise _BrokenError(f"update must return dllm.Move(canvas, state, done), got {got}")
    if _kind(move.canvas) != _kind(canvas):
        raise _BrokenError(f"the canvas must stay {_kind(canvas)}, got {_kind(move.canvas)}")
    if _kind(move.done) != "bool[]":
        raise _BrokenError(f"done must be one bool, got {_kind(move.done)}")
    before, after = (str(jax.tree.map(_kind, tree)) for tree in (state, move.state))
    if before != after:
        raise _BrokenError(
            f"the state must keep structure, shapes and dtypes: {before} became {after}"
        )


def _kind(array: Any) -> str:
    dtype = jax.dtypes.canonicalize_dtype(jnp.result_type(array))
    return f"{dtype}{list(np.shape(array))}"


def _writes_only_where_allowed(scheduler: Scheduler) -> str:
    update = jax.jit(_update)
    for seed in range(24):
        canvas, prediction, place = middle_step(seed, needs(scheduler))
        state = start(scheduler, canvas)
        move = update(scheduler, jax.random.key(seed), state, canvas, prediction, place)
        _check_writes(np.asarray(canvas), np.asarray(move.canvas), place)
    return "24 random scenes"


def _check_writes(before: np.ndarray, after: np.ndarray, place: Place) -> None:
    changed = before != after
    offences = {
        "rewrote the prompt": changed & (np.arange(len(before)) < int(place.prompt)),
        "wrote where the row does not exist (VOID)": changed & (before == VOID),
        "wrote where prediction.seen or prediction.allowed is false": after == POISON,
        "wrote a value that is no token, MASK or VOID": after < VOID,
    }
    for offence, where in offences.items():
        if np.any(where):
            i = int(np.argmax(where))
            raise _BrokenError(f"it {offence}: position {i}, from {before[i]} to {after[i]}")


def _makes_progress(scheduler: Scheduler) -> str:
    ended = run_small(scheduler, small_batch())
    for row, outcome in enumerate(ended.outcome):
        if outcome != Outcome.FILLED:
            holes = np.sum(ended.canvas[row] == MASK)
            raise _BrokenError(
                f"row {row} ended {Outcome(outcome).name} after {ended.steps[row]} steps with "
                f"{holes} undecided positions; every step must come closer to done, and done must "
                f"be true once the block is filled"
            )
    return f"{len(ended.steps)} rows filled in {ended.steps.min()} to {ended.steps.max()} steps"


def _drafts_change_nothing(scheduler: Scheduler) -> str:
    shares = []
    for temperature in (0.0, 1.0):
        plain = run_small(scheduler, small_batch(), temperature)
        drafted = run_small(scheduler, small_batch(), temperature, num_drafts=4)
        _check_same(plain, drafted, f"with 4 drafts at temperature {temperature:g}")
        if np.any(drafted.forwards > plain.forwards):
            raise _BrokenError(f"4 drafts took {drafted.forwards} forwards, plain {plain.forwards}")
        shares.append(drafted.forwards.sum() / plain.forwards.sum())
    return f"same tokens; {shares[0]:.0%} of the forwards with 4 drafts"


def _keeps_rows_apart(scheduler: Scheduler) -> str:
    batch = small_batch()
    together = run_small(scheduler, batch)
    padded = run_small(scheduler, small_batch(LENGTH + 8))
    _check_same(together, padded._replace(canvas=padded.canvas[:, :LENGTH]), "on a longer canvas")
    for row in range(2):
        alone = run_small(scheduler, _only(batch, row))
        _check_same(_only(together, row), alone, "decoded alone")
    return "a row alone, among others and on a longer canvas"


def _check_same(expected: Decoded, got: Decoded, how: str) -> None:
    differs = expected.canvas != got.canvas
    if np.any(differs):
        row, position = (int(index[0]) for index in np.nonzero(differs))
        raise _BrokenError(
            f"{how}, row {row} has {got.canvas[row, position]} at position {position} instead of "
            f"{expected.canvas[row, position]}; update must be a function of its arguments alone"
        )


def _only(batch: Any, row: int) -> Any:
    return jax.tree.map(lambda leaf: leaf[row : row + 1], batch)


def _traces_once(scheduler: Scheduler) -> str:
    traces = []

    def update(scheduler: Scheduler, *arguments: Any) -> Move:
        traces.append(1)
        return scheduler.update(*arguments)

    compiled = jax.jit(update)
    canvas = jnp.full(8, MASK, jnp.int32)
    arguments = first_step(scheduler, canvas, start(scheduler, canvas))
    for shrink in (1.0, 0.99, 0.98):
        leaves, structure = jax.tree.flatten(scheduler)
        varied = [_scaled(leaf, shrink) for leaf in leaves]
        compiled(jax.tree.unflatten(structure, varied), *arguments)
    if len(traces) > 1:
        raise _BrokenError("another value of a hyper-parameter traced it again")
    return "one program for all values of its hyper-parameters"


def _scaled(leaf: Any, factor: float) -> jax.Array:
    array = jnp.asarray(leaf)
    return array * factor if jnp.issubdtype(array.dtype, jnp.floating) else array


def _update(scheduler: Scheduler, *arguments: Any) -> Any:
    return scheduler.update(*arguments)


CLAUSES: dict[str, Callable[[Scheduler], str]] = {
    "pytree": _is_pytree,
    "shapes": _has_shapes,
    "writes": _writes_only_where_allowed,
    "progress": _makes_progress,
    "drafts": _drafts_change_nothing,
    "rows": _keeps_rows_apart,
    "trace": _traces_once,
}
