"""Texts of a regular language drawn as a whole, on the device.

A model's distribution of a canvas is a product over positions. Given that the whole is a text of a
regular language it is a Markov chain over the automaton's states. Messages from the right sum over
all completions, then states and classes of tokens are drawn from the left, then a token of each
class (forward filtering and backward sampling, Rabiner 1989, from right to left). Every draw is a
text and has its exact probability. With maxima in place of sums it is the likeliest text
(Viterbi's algorithm, as in DINGO, Suresh et al. 2025).

The work is one pass over the automaton's moves a position; arrays are padded to powers of two, so
that languages of similar size share a program.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from dllm.forward import HostArray
from grammar import Compiled
from samplers import MASK

TEXT, STOP, TAIL, NEVER = range(4)
"""Kinds of classes: tokens of a text, stop tokens, what follows a stop, tokens of no text."""


class Chain(NamedTuple):
    """A regular language over the classes of a vocabulary."""

    class_of_token: Int[HostArray, " vocab"]
    kind: Int[HostArray, " classes"]
    """Of each class: `TEXT`, `STOP`, `TAIL` or `NEVER`."""
    source: Int[HostArray, " moves"]
    """Of each move the state it starts from, ascending."""
    target: Int[HostArray, " moves"]
    label: Int[HostArray, " moves"]
    """The class that a move reads."""
    accepts: Bool[HostArray, " states"]
    """In which states a canvas may end."""
    start: Int[HostArray, ""]


class Path(NamedTuple):
    """A text drawn for a canvas."""

    tokens: Int[Array, " length"]
    """The canvas with its holes filled. Behind a stop token its like follows; it is not scored."""
    log_mass: Float[Array, ""]
    """Log probability that the model's own draw of the holes is a text; of the best one alone where
    the likeliest is asked for. -inf: the canvas has no filling, and its holes are left."""


def chain(language: Compiled) -> Chain:
    """A language as arrays for `draw`.

    Raises:
        ValueError: the language needs a stack.
    """
    if language.regular is None:
        raise ValueError("a path must be drawn from a regular language, got one with a stack")
    count, stop = len(language.machine.moves), language.num_classes
    tail, never, stopped = stop + 1, stop + 2, count
    moves = [
        (effect.source, language.classes.nodes[effect.node].symbol, number)
        for number, members in enumerate(language.classes.members)
        for effect in (language.classes.effects[member] for member in members)
    ]
    finals = sorted(language.machine.finals)
    moves += [(state, stopped, stop) for state in finals] + [(stopped, stopped, tail)]
    nowhere = _power(count + 2) - 1
    moves += [(nowhere, nowhere, never)] * (_power(len(moves)) - len(moves))
    source, target, label = np.asarray(sorted(moves), np.int32).T
    kind = np.full(_power(never + 1), NEVER, np.int32)
    kind[:never] = [TEXT] * stop + [STOP, TAIL]
    accepts = np.zeros(nowhere + 1, np.bool_)
    accepts[[stopped, *([] if language.must_stop else finals)]] = True
    numbers = language.class_of_token()
    numbers = np.where(numbers < 0, never, numbers).astype(np.int32)
    return Chain(
        numbers, kind, source, target, label, accepts, np.asarray(language.machine.start, np.int32)
    )


def _power(size: int) -> int:
    """The power of two that holds `size`."""
    return 1 << (size - 1).bit_length()


@partial(jax.jit, static_argnames="likeliest")
def draw(
    language: Chain,
    key: PRNGKeyArray,
    logits: Float[Array, "length vocab"],
    canvas: Int[Array, " length"],
    *,
    likeliest: bool = False,
) -> Path:
    """Fills the holes of a canvas by a text, from the model's distribution given the language.

    Args:
        language: From `chain`.
        key: Of the noise; not read where the likeliest text is asked for.
        logits: What the model says of every position; those of decided ones are not read.
        canvas: Tokens, and `MASK` at the holes.
        likeliest: The most probable text instead of a random one.
    """
    logits = jax.nn.log_softmax(logits.astype(jnp.float32), axis=-1)
    mass = jax.lax.map(lambda at: _mass(language, at[0], at[1], likeliest), (logits, canvas))
    end = jnp.where(jnp.asarray(language.accepts), 0.0, -jnp.inf)
    first, after = jax.lax.scan(
        lambda behind, here: (_before(language, here, behind, likeliest), behind),
        end,
        mass,
        reverse=True,
    )
    keys = jax.random.split(key, canvas.shape[0])
    step = partial(_step, language, likeliest)
    begin = (jnp.asarray(language.start), jnp.int32(MASK))
    _, tokens = jax.lax.scan(step, begin, (keys, logits, canvas, mass, after))
    log_mass = first[jnp.asarray(language.start)]
    return Path(jnp.where(jnp.isfinite(log_mass), tokens, canvas), log_mass)


def _mass(
    language: Chain, logits: Float[Array, " vocab"], token: Int[Array, ""], likeliest: bool
) -> Float[Array, " classes"]:
    """The log probability of each class at one position; a decided token is certain."""
    kind, of_token = jnp.asarray(language.kind), jnp.asarray(language.class_of_token)
    own = of_token[jnp.maximum(token, 0)]
    decided = jnp.where(jnp.arange(len(kind)) == own, 0.0, -jnp.inf)
    open_still = _sums(logits, of_token, len(kind), likeliest)
    mass = jnp.where(token == MASK, open_still, decided)
    stops = (token == MASK) | (kind[own] == STOP)
    mass = jnp.where(kind == TAIL, jnp.where(stops, 0.0, -jnp.inf), mass)
    return jnp.where(kind == NEVER, -jnp.inf, mass)


def _sums(
    logs: Float[Array, " items"], group: Int[Array, " items"], groups: int, likeliest: bool
) -> Float[Array, " groups"]:
    """Logarithms added up group by group (or their maxima), -inf for nothing.

    Each group has a scale of its own: none is lost beside a likelier one.
    """
    peak = jax.ops.segment_max(logs, group, groups)
    if likeliest:
        return peak
    scale = jnp.where(jnp.isfinite(peak), peak, 0.0)
    return jnp.log(jax.ops.segment_sum(jnp.exp(logs - scale[group]), group, groups)) + scale


def _before(
    language: Chain, mass: Float[Array, " classes"], after: Float[Array, " states"], likeliest: bool
) -> Float[Array, " states"]:
    """What a state's completions weigh one position earlier."""
    weights = mass[jnp.asarray(language.label)] + after[jnp.asarray(language.target)]
    return _sums(weights, jnp.asarray(language.source), len(after), likeliest)


def _step(
    language: Chain,
    likeliest: bool,
    carry: tuple[Int[Array, ""], Int[Array, ""]],
    at: tuple[
        PRNGKeyArray,
        Float[Array, " vocab"],
        Int[Array, ""],
        Float[Array, " classes"],
        Float[Array, " states"],
    ],
) -> tuple[tuple[Int[Array, ""], Int[Array, ""]], Int[Array, ""]]:
    """One position from the left: a move, then a token of its class."""
    (state, stop), (key, logits, given, mass, after) = carry, at
    of_move, of_token = jax.random.split(key)
    label = jnp.asarray(language.label)
    weights = mass[label] + after[jnp.asarray(language.target)]
    weights = jnp.where(jnp.asarray(language.source) == state, weights, -jnp.inf)
    move = _pick(of_move, weights, likeliest)
    own = jnp.where(jnp.asarray(language.class_of_token) == label[move], logits, -jnp.inf)
    token = _pick(of_token, own, likeliest)
    kind = jnp.asarray(language.kind)[label[move]]
    token = jnp.where(kind == TAIL, stop, token)
    token = jnp.where(given == MASK, token, given)
    stop = jnp.where(kind == STOP, token, stop)
    return (jnp.asarray(language.target)[move], stop), token


def _pick(key: PRNGKeyArray, logs: Float[Array, " items"], likeliest: bool) -> Int[Array, ""]:
    """An item by its weight (the Gumbel-max trick), or the heaviest."""
    noise = 0.0 if likeliest else jax.random.gumbel(key, logs.shape, jnp.float32)
    return jnp.argmax(logs + noise).astype(jnp.int32)
