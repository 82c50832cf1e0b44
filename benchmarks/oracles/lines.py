"""Tasks on a line of people, one token a person.

A canvas is the people in line, a separator and the answer. A person's token is its place in the
prompt, 0 to n - 1; the newcomer of an insertion or a replacement has a token of its own.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from benchmarks.oracles.marginals import Whole, log, of_completions
from samplers import part, static

MOST = 16
"""People in line at the most."""
NEWCOMER, SEPARATOR = MOST, MOST + 1
VOCAB = MOST + 2

Place = Int[Array, "..."]


def _insert(at: Place, place: Place) -> Place:
    return jnp.where(at < place, at, jnp.where(at == place, NEWCOMER, at - 1))


def _remove(at: Place, place: Place) -> Place:
    return jnp.where(at < place, at, at + 1)


def _replace(at: Place, place: Place) -> Place:
    return jnp.where(at == place, NEWCOMER, at)


RESULTS: dict[str, Callable[[Place, Place], Place]] = {
    "insert_random": _insert,
    "remove_random": _remove,
    "replace_random": _replace,
}
"""The person at a position of the answer, by the place that chance picks."""

PLACES = {"insert_random": 1, "remove_random": 0, "replace_random": 0}
"""Places to pick from, beyond the people in line."""

GROWTH = {"shuffle": 0, "insert_random": 1, "remove_random": -1, "replace_random": 0}
"""People that an answer has more than the line."""


@part
class OnePlace(Whole):
    """An operation at a place, each place as likely as any other."""

    task: str = static()

    def _row(self, canvas: Int[Array, " length"]) -> Float[Array, "length vocab"]:
        people, at = _people(canvas)
        places = jnp.arange(MOST + 1)
        answers = RESULTS[self.task](at[None], places[:, None])
        fitted = jnp.where(at >= 0, canvas, -1)  # the prompt says nothing about the place
        exists = places < people + PLACES[self.task]
        return of_completions(fitted, answers, exists, VOCAB)


@part
class Shuffle(Whole):
    """All orders of the people, each as likely as any other; the given one is among them."""

    def _row(self, canvas: Int[Array, " length"]) -> Float[Array, "length vocab"]:
        people, at = _people(canvas)
        said = jax.nn.one_hot(jnp.where(at >= 0, canvas, -1), VOCAB)
        left = (jnp.arange(VOCAB) < people) & (said.sum(0) == 0)
        share = left.astype(jnp.float32) / jnp.maximum(jnp.sum(left, dtype=jnp.float32), 1)
        return log(jnp.where((canvas >= 0)[:, None], said, share[None]))


def _people(canvas: Int[Array, " length"]) -> tuple[Int[Array, ""], Int[Array, " length"]]:
    """How many stand in line, and each position's place in the answer, below 0 in the prompt."""
    people = jnp.argmax(canvas == SEPARATOR).astype(jnp.int32)
    return people, jnp.arange(canvas.shape[0]) - people - 1
