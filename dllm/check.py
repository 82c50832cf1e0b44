"""Checks a scheduler against its contract (`samplers.base`) and names the clause it breaks."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dllm.canvas import Rows
from dllm.decode import Decoded
from dllm.row import Outcome
from dllm.rules import rule as rule_of_text
from dllm.scenes import (
    BLOCK,
    LENGTH,
    VOCAB,
    SomeBlocked,
    blocked,
    first_step,
    middle_step,
    run_small,
    small_batch,
    step_limit,
    with_other_tokens,
)
from samplers import MASK, VOID, Move, Place, Prediction, Scheduler
from samplers.parts import needs, refuse_untraceable, start
from samplers.values import plain
from samplers.vary import Number, numbers, with_another_value


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
    if options and not isinstance(rule, type):
        raise TypeError(
            f"check: options make a rule of a name or a class, but {type(rule).__name__}(…) is an "
            f"instance; got {', '.join(options)}"
        )
    made = rule(**options) if isinstance(rule, type) else rule
    name = type(made).__name__
    if not isinstance(made, Scheduler):
        raise ContractError(name, "methods", "a scheduler needs a method update")
    return name, made


def _is_pytree(scheduler: Scheduler) -> str:
    try:
        refuse_untraceable("the rule", scheduler)
    except TypeError as error:
        raise _BrokenError(str(error)) from error
    wanted = ", ".join(sorted(needs(scheduler))) or "nothing more"
    return f"{len(jax.tree.leaves(scheduler))} hyper-parameters, needs {wanted}"


def _has_shapes(scheduler: Scheduler) -> str:
    for length in (8, 12):
        canvas = jnp.full(length, MASK, jnp.int32)
        try:
            state = start(scheduler, canvas)
            arguments = first_step(scheduler, canvas, state)
            move = jax.eval_shape(_update, scheduler, *arguments)
            plan = jax.eval_shape(_plan, scheduler, arguments[-1])
        except Exception as error:
            raise _BrokenError(f"{type(error).__name__} while tracing: {error}") from error
        _check_move(move, canvas, state)
        if plan.shape or not jnp.issubdtype(plan.dtype, jnp.integer):
            raise _BrokenError(f"plan must return one whole number, got {_kind(plan)}")
    return "canvas, state and done keep shape and dtype"


def _check_move(move: Any, canvas: jax.Array, state: Any) -> None:
    if not isinstance(move, Move):
        got = type(move).__name__
        raise _BrokenError(f"update must return dllm.Move(canvas, state, done), got {got}")
    if _kind(move.canvas) != _kind(canvas):
        raise _BrokenError(f"the canvas must stay {_kind(canvas)}, got {_kind(move.canvas)}")
    for name in ("done", "stopped"):
        if (kind := _kind(getattr(move, name))) != "bool[]":
            raise _BrokenError(f"{name} must be one bool, got {kind}")
    before, after = (str(jax.tree.map(_kind, tree)) for tree in (state, move.state))
    if before != after:
        raise _BrokenError(
            f"the state must keep structure, shapes and dtypes: {before} became {after}"
        )


def _kind(array: Any) -> str:
    dtype = getattr(array, "dtype", None)
    if dtype is None or not jnp.issubdtype(dtype, jax.dtypes.extended):  # a random key is extended
        dtype = jax.dtypes.canonicalize_dtype(jnp.result_type(array))
    return f"{dtype}{list(np.shape(array))}"


def _writes_only_where_allowed(scheduler: Scheduler) -> str:
    update = jax.jit(_update)
    for seed in range(24):
        canvas, prediction, place = middle_step(seed, needs(scheduler))
        key, state = jax.random.key(seed), start(scheduler, canvas)
        after = [
            np.asarray(update(scheduler, key, state, canvas, shown, place).canvas)
            for shown in (prediction, with_other_tokens(prediction, seed))
        ]
        for canvas_after in after:
            _check_writes(np.asarray(canvas), canvas_after, prediction, place)
        if np.any(after[0] != after[1]):
            i = int(np.argmax(after[0] != after[1]))
            raise _BrokenError(
                f"what it writes depends on prediction.tokens where prediction.seen or "
                f"prediction.allowed is false: position {i}"
            )
    batch = small_batch()
    ended = run_small(scheduler, batch)
    before, after = np.asarray(batch.canvas), np.asarray(ended.canvas)
    _check_values(before, after, np.asarray(batch.prompt)[:, None])
    return "24 random scenes and a small decode"


def _check_writes(
    before: np.ndarray, after: np.ndarray, prediction: Prediction, place: Place
) -> None:
    writable = np.asarray(prediction.seen & prediction.allowed)
    answer = (np.arange(len(before)) >= int(place.prompt)) & (before != VOID)
    written = answer & (before != after) & (after >= 0)
    stray = written & ~writable & ~_repeats_the_end(before, after, writable, place)
    _refuse("wrote where prediction.seen or prediction.allowed is false", stray, before, after)
    _check_values(before[None], after[None], np.asarray(place.prompt))


def _check_values(before: np.ndarray, after: np.ndarray, prompt: np.ndarray) -> None:
    """What holds of any two canvases of a row; takes a batch of them."""
    changed = before != after
    at = np.arange(before.shape[1])[None]
    _refuse("rewrote the prompt", changed & (at < prompt), before, after)
    _refuse("wrote where the row does not exist (VOID)", changed & (before == VOID), before, after)
    foreign = changed & ((after < VOID) | (after >= VOCAB))
    what = f"wrote a value that is no token (of {VOCAB} in this scene), MASK or VOID"
    _refuse(what, foreign, before, after)


def _repeats_the_end(
    before: np.ndarray, after: np.ndarray, writable: np.ndarray, place: Place
) -> np.ndarray:
    """Positions that may be filled unseen: all that follows a token up to an end repeats it.

    That is how an answer is cut short. The token itself has to stand there already, or be written
    where it may; the end is that of the block or of the row. All that follows the block may also
    repeat a token from within it.
    """
    at = np.arange(len(after))
    sound = (at >= int(place.prompt)) & (after >= 0) & ((before == after) | writable)
    excused = np.zeros(len(after), bool)
    block, behind = slice(int(place.start), int(place.end)), slice(int(place.end), _end(after))
    for end in (block.stop, behind.stop):
        others = np.flatnonzero(after[:end] != after[end - 1])
        tail = (at < end) & (at > (others[-1] if len(others) else -1))
        if np.any(tail & sound):
            excused |= tail & (at > np.argmax(tail & sound))
    repeated = np.all(after[None, behind] == after[block, None], axis=1)
    excused[behind] |= np.any(sound[block] & repeated)
    return excused


def _end(canvas: np.ndarray) -> int:
    return int(np.sum(canvas != VOID))


def _refuse(offence: str, where: np.ndarray, before: np.ndarray, after: np.ndarray) -> None:
    if np.any(where):
        i = tuple(int(index[0]) for index in np.nonzero(where))
        raise _BrokenError(f"it {offence}: position {i[-1]}, from {before[i]} to {after[i]}")


def _makes_progress(scheduler: Scheduler) -> str:
    batch = small_batch()
    limit = step_limit(scheduler)
    free = run_small(scheduler, batch)
    bound = run_small(scheduler, batch, constraint=SomeBlocked(), record=limit)
    for row in range(len(free.outcome)):
        _check_ends(batch, row, free, limit)
    left = int(np.sum(free.outcome != Outcome.FILLED))
    for row in range(len(bound.outcome)):
        _check_beside_forbidden(batch, row, bound, limit, fills=left == 0)
    ends = f"{len(free.steps)} rows end in {free.steps.min()} to {free.steps.max()} steps"
    early = f"; {left} with undecided positions, because it leaves blocks that are not filled"
    return ends + (early if left else "") + "; with positions forbidden they end too"


def _check_ends(batch: Rows, row: int, ended: Decoded, limit: int) -> None:
    """A row may end with undecided positions if the rule leaves its blocks; it must not linger."""
    holes, steps = np.sum(ended.canvas[row] == MASK), ended.steps[row]
    outcome = Outcome(ended.outcome[row]).name
    if steps >= limit:
        raise _BrokenError(
            f"row {row} ended {outcome} after {steps} steps with {holes} undecided positions; "
            f"every step must come closer to done, and done must be true once the block is filled"
        )
    if np.all(ended.canvas[row] == batch.canvas[row]):
        raise _BrokenError(
            f"row {row} ended {outcome} after {steps} steps and nothing was written; "
            f"done leaves a block for good, with whatever is undecided in it"
        )


def _check_beside_forbidden(
    batch: Rows, row: int, ended: Decoded, limit: int, *, fills: bool
) -> None:
    """Positions beside those that a constraint forbids are written as ever.

    A rule that does not fill its blocks anyway (`fills` is false) only has to end.
    """
    where = f"with a constraint that leaves no token at some positions, row {row}"
    steps, open_ = int(ended.steps[row]), _legal_holes(batch, row, ended)
    still = steps < limit or np.all(ended.trajectory[row, -1] == ended.canvas[row])
    if steps >= limit and not still:
        raise _BrokenError(
            f"{where} was still changing its canvas after {steps} steps; where nothing may be "
            f"written, the canvas must stay or done be true"
        )
    if steps >= limit or (fills and len(open_)):
        position = f"position {open_[0]}" if len(open_) else "the next block"
        raise _BrokenError(
            f"{where} never wrote {position}, where prediction.allowed is true, in {steps} steps; "
            f"choose among dllm.eligible positions, not among all holes"
        )


def _legal_holes(batch: Rows, row: int, ended: Decoded) -> np.ndarray:
    """Positions left undecided though not forbidden, up to the last block that was written in."""
    before, after = np.asarray(batch.canvas[row]), ended.canvas[row]
    legal = np.flatnonzero((after == MASK) & ~blocked(len(after)))
    prompt = int(batch.prompt[row])
    last = int(np.max(np.flatnonzero(before != after), initial=prompt))
    end = prompt + BLOCK * ((last - prompt) // BLOCK + 1)
    return legal[legal < end]


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
    traces, varied, sizes = [], [], []

    @jax.jit
    def step(scheduler: Scheduler, canvas: jax.Array, *others: Any) -> Move:
        traces.append(1)
        return _update(scheduler, others[0], start(scheduler, canvas), canvas, *others[1:])

    canvas = jnp.full(8, MASK, jnp.int32)
    key, _, _, *others = first_step(scheduler, canvas, None)
    step(scheduler, canvas, key, *others)
    for number in numbers(scheduler):
        if number.static:
            _refuse_needless_static(number, canvas, key, *others)
            sizes.append(number.name)
            continue
        changed = with_another_value(number)
        if changed is None:
            continue
        step(changed, canvas, key, *others)
        if len(traces) > 1:
            raise _BrokenError(
                f"another value of {number.name} traced it again; nothing static, no shape and no "
                f"dtype may be computed from it"
            )
        varied.append(number.name)
    found = f"one program for all values of {', '.join(varied) or 'its hyper-parameters'}"
    return found + (f"; compiled in: {', '.join(sizes)}" if sizes else "")


def _refuse_needless_static(number: Number, *arguments: Any) -> None:
    """Raises if a static number could be a leaf: each of its values compiles a program."""
    if isinstance(plain(number.value), int) and _is_size(number, *arguments):
        return
    raise _BrokenError(
        f"the static field {number.name} is a number ({number.value}), so that each of its values "
        f"compiles a program of its own; make it a leaf: a plain field, not dllm.static"
    )


def _is_size(number: Number, canvas: jax.Array, key: jax.Array, *others: Any) -> bool:
    """Whether the rule cannot be traced without knowing a number: a shape or a count of rounds."""

    def step(value: jax.Array) -> Any:
        rule = number.put(value)
        return _update(rule, key, start(rule, canvas), canvas, *others)

    try:
        jax.eval_shape(step, number.value)
    except Exception:
        return True
    return False


def _update(scheduler: Scheduler, *arguments: Any) -> Any:
    return scheduler.update(*arguments)


def _plan(scheduler: Any, place: Place) -> Any:
    return scheduler.plan(place) if hasattr(scheduler, "plan") else 0


CLAUSES: dict[str, Callable[[Scheduler], str]] = {
    "pytree": _is_pytree,
    "shapes": _has_shapes,
    "trace": _traces_once,
    "writes": _writes_only_where_allowed,
    "progress": _makes_progress,
    "drafts": _drafts_change_nothing,
    "rows": _keeps_rows_apart,
}
