"""From logits to a `Prediction`: guidance, suppression, temperature, filters, token, scores.

The order is part of the contract: guidance, suppressed ids, constraint bits, gap, temperature,
top-p, top-k, token. Top-p comes before top-k because Dream's published sampler, the one that has
both, does it so. `scores` says which distribution confidence, margin and entropy describe: the one
before temperature and filters (`"raw"`, LLaDA), the one after (`"filtered"`, Dream), or the one
before temperature, filters and the constraint too (`"unmasked"`): how sure the model itself is of a
token that the constraint has left.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Int, PRNGKeyArray, UInt32

from dllm import rounding
from dllm.noise import Fresh, Noise
from samplers import Prediction, part, static
from samplers.base import LOG_ZERO
from samplers.pytree import require
from samplers.vocab import Logits, Summary, argmax, summarise

SCORES = ("raw", "filtered", "unmasked")


@part
class Proposal:
    """How logits become a `Prediction`. All fields but the last two are leaves: sweep freely."""

    temperature: ArrayLike = 0.0
    """0 takes the likeliest token; otherwise the best of logits / temperature + Gumbel noise."""
    top_p: ArrayLike | None = None
    top_k: ArrayLike | None = None
    guidance: ArrayLike | None = None
    """Classifier-free guidance: uncond + (guidance + 1) * (cond - uncond). `None`: one forward."""
    suppress: Sequence[Any] | ArrayLike | None = None
    """Token ids that are never proposed."""
    distrust: Sequence[Any] | ArrayLike | None = None
    """Token ids left out of the distribution that scores are taken from: they may be proposed, but
    with confidence 0 (LLaDA `confidence_eos_eot_inf`)."""
    noise: Noise = Fresh()
    scores: str = static(default="raw")
    rounding: str = static(default="none")
    """`"bfloat16"`: logits, and confidence, margin and entropy, as half-precision code computes
    them; see `dllm.rounding`."""

    def __post_init__(self) -> None:
        require("Proposal", "temperature", self.temperature, 0.0)
        require("Proposal", "top_p", self.top_p, 0.0, 1.0)
        require("Proposal", "top_k", self.top_k, 1)
        require("Proposal", "guidance", self.guidance, 0.0)
        for name in ("temperature", "top_p", "guidance"):
            value = getattr(self, name)
            if isinstance(value, int | float):  # 0 and 0.0 are one program
                object.__setattr__(self, name, np.float32(value))
        for name in ("suppress", "distrust"):
            object.__setattr__(self, name, _ids(name, getattr(self, name)))
        if self.scores not in SCORES:
            raise ValueError(f"Proposal: scores must be one of {SCORES}, got {self.scores!r}")
        if self.rounding not in rounding.ROUNDINGS:
            raise ValueError(
                f"Proposal: rounding must be one of {rounding.ROUNDINGS}, got {self.rounding!r}"
            )

    @property
    def greedy(self) -> Bool[Array, ""]:
        """Whether a prediction is a function of the canvas alone."""
        return jnp.asarray(self.temperature, jnp.float32) == 0


def _ids(name: str, ids: Any) -> Any:
    """Token ids as one array; arrays of jax pass unchecked, they may be traced."""
    if ids is None or isinstance(ids, jax.Array):
        return ids
    array = np.asarray(ids)
    whole = array.size == 0 or np.issubdtype(array.dtype, np.integer)
    if array.ndim != 1 or not whole or np.any(array < 0):
        raise ValueError(f"Proposal: {name} must be a sequence of token ids, got {ids!r}")
    return array.astype(np.int32)


class Scene(NamedTuple):
    """What a reading is told about one window besides its logits."""

    key: PRNGKeyArray
    total: Int[Array, ""]
    """The step's number in the row."""
    at: Int[Array, " window"]
    """The positions of the window on the canvas."""
    standing: Int[Array, " window"]
    """The tokens that stand there now."""
    allowed: Bool[Array, "window vocab"] | None = None
    """Constraint bits."""
    words: UInt32[Array, "window words"] | None = None
    """The same by classes of tokens, before they are `dllm.forward.expand`ed."""
    language: Int[Array, ""] | None = None
    """Which classes those are."""


def read(
    proposal: Proposal, needs: frozenset[str], scene: Scene, logits: Logits, shards: int = 1
) -> Prediction:
    """The prediction of one window; leaves `[window]`, all finite.

    Where distrust and filters together leave no token to score, confidence and margin are 0.
    `shards`: equal parts of the vocabulary that lie on devices of their own.
    """
    halved = proposal.rounding == "bfloat16"
    logits = rounding.rounded(logits) if halved else logits.astype(jnp.float32)
    unmasked = suppress(logits, proposal.suppress)
    logits, allowed = constrain(unmasked, scene.allowed)
    plain = summarise(logits, shards)
    tokens = choose(proposal, scene, logits, plain.best, shards)
    scored = suppress(_scored(proposal, unmasked, logits), proposal.distrust)
    summary = plain if scored is logits else summarise(scored, shards)
    trusted = jnp.isfinite(summary.peak)
    confidence = log_probability(scored, summary, tokens)
    margin = jnp.log(-jnp.expm1(-summary.gap)) - summary.log_norm
    entropy = summary.entropy
    if halved:
        confidence = rounding.log_of_rounded(confidence)
        margin, entropy = rounding.log_margin(summary), rounding.entropy(scored, summary)
    return Prediction(
        tokens=tokens,
        log_confidence=confidence,
        log_margin=_at_least_log_zero(jnp.where(trusted, margin, LOG_ZERO)),
        gap=jnp.minimum(plain.gap, -LOG_ZERO),
        entropy=jnp.where(trusted, entropy, 0),
        seen=jnp.ones(allowed.shape, bool),
        allowed=allowed,
        log_probs=_log_softmax(scored, summary) if "log_probs" in needs else None,
        own=jnp.exp(_log_own(scored, summary, scene.standing)) if "own" in needs else None,
    )


def hindsight(
    proposal: Proposal, scene: Scene, logits: Logits, shards: int = 1
) -> Float[Array, " window"]:
    """Log probability of what stands, from logits that were made without seeing it.

    As scores are, but for `distrust`, which says when a token is written and not what it is worth.
    """
    unmasked = suppress(logits.astype(jnp.float32), proposal.suppress)
    scored = _scored(proposal, unmasked, constrain(unmasked, scene.allowed)[0])
    return _log_own(scored, summarise(scored, shards), scene.standing)


def _scored(proposal: Proposal, unmasked: Logits, logits: Logits) -> Logits:
    """What scores are taken from: logits without or with the constraint, or shaped too."""
    if proposal.scores == "filtered":
        return shape(proposal, logits)
    return logits if proposal.scores == "raw" else unmasked


def guide(
    conditional: Float[Array, "*rows vocab"],
    unconditional: Float[Array, "*rows vocab"],
    guidance: ArrayLike,
) -> Float[Array, "*rows vocab"]:
    """Classifier-free guidance as LLaDA writes it; impossible tokens stay impossible."""
    scale = jnp.asarray(guidance, conditional.dtype) + 1
    guided = unconditional + scale * (conditional - unconditional)
    possible = jnp.isfinite(conditional) & jnp.isfinite(unconditional)
    return jnp.where(possible, guided, conditional)


def suppress(logits: Logits, ids: Sequence[Any] | ArrayLike | None) -> Logits:
    """Logits with the given ids impossible."""
    if ids is None:
        return logits
    # Added, not scattered: a sum is fused into whatever reads it, a scatter copies the logits.
    bias = jnp.zeros(logits.shape[-1]).at[jnp.asarray(ids)].set(-jnp.inf)
    return logits + bias[None]


def constrain(
    logits: Logits, bits: Bool[Array, "window vocab"] | None
) -> tuple[Logits, Bool[Array, " window"]]:
    """Logits with forbidden tokens impossible, and which positions have any token left.

    A position with none keeps its logits, so that its scores stay finite; nothing may be written.
    """
    if bits is None:
        return logits, jnp.ones(logits.shape[:1], bool)
    legal = jnp.any(bits & jnp.isfinite(logits), axis=-1)
    return jnp.where(bits | ~legal[:, None], logits, -jnp.inf), legal


def temper(logits: Logits, temperature: ArrayLike) -> Logits:
    """Logits over the temperature; unchanged at 0."""
    scale = jnp.asarray(temperature, logits.dtype)
    return logits / jnp.where(scale > 0, scale, 1)


def filter_logits(logits: Logits, top_p: ArrayLike | None, top_k: ArrayLike | None) -> Logits:
    """Logits cut down to the top-p nucleus, then to the k largest of it (ties with them kept)."""
    logits = logits if top_p is None else _top_p(logits, top_p)
    return logits if top_k is None else _top_k(logits, top_k)


def shape(proposal: Proposal, logits: Logits) -> Logits:
    """Logits after temperature and filters."""
    return filter_logits(temper(logits, proposal.temperature), proposal.top_p, proposal.top_k)


def choose(
    proposal: Proposal,
    scene: Scene,
    logits: Logits,
    best: Int[Array, " window"],
    shards: int = 1,
) -> Int[Array, " window"]:
    """The proposed tokens: the likeliest, or at temperature > 0 a draw by the Gumbel-max trick."""

    def sample(logits: Logits, best: Int[Array, " window"]) -> Int[Array, " window"]:
        del best
        noise = proposal.noise(scene.key, scene.total, scene.at, logits.shape[-1])
        return argmax(shape(proposal, logits) + noise, shards)

    # A branch and not a select: greedy decoding must not pay for a vocabulary of random numbers.
    # Neither temperature nor filters ever move the likeliest token.
    return jax.lax.cond(proposal.greedy, lambda _, best: best, sample, logits, best)


def log_probability(
    logits: Logits, summary: Summary, tokens: Int[Array, " window"]
) -> Float[Array, " window"]:
    """The log probability of one token a position."""
    chosen = jnp.take_along_axis(logits, tokens[:, None], axis=-1)[:, 0]
    return _at_least_log_zero(_against(summary, chosen))


def _log_softmax(logits: Logits, summary: Summary) -> Logits:
    return _at_least_log_zero(jax.vmap(_against, in_axes=(None, -1), out_axes=-1)(summary, logits))


def _against(summary: Summary, logit: Float[Array, " window"]) -> Float[Array, " window"]:
    """Logits as log probabilities; nothing is likely where no token is left."""
    log_probability = logit - summary.peak - summary.log_norm
    return jnp.where(jnp.isfinite(summary.peak), log_probability, LOG_ZERO)


def _at_least_log_zero(logs: Float[Array, "*any"]) -> Float[Array, "*any"]:
    return jnp.maximum(logs, LOG_ZERO)


def _log_own(
    logits: Logits, summary: Summary, standing: Int[Array, " window"]
) -> Float[Array, " window"]:
    own = log_probability(logits, summary, jnp.maximum(standing, 0))
    return jnp.where(standing >= 0, own, LOG_ZERO)


def _top_p(logits: Logits, top_p: ArrayLike) -> Logits:
    order = jnp.argsort(-logits, axis=-1, stable=True)
    mass = jnp.cumsum(jax.nn.softmax(jnp.take_along_axis(logits, order, axis=-1)), axis=-1)
    # A token goes where the mass before it exceeds top_p; the first always stays.
    kept = 1 + jnp.sum(mass[:, :-1] <= jnp.asarray(top_p, mass.dtype), axis=-1, keepdims=True)
    ranks = jnp.argsort(order, axis=-1)
    return jnp.where(ranks < kept, logits, -jnp.inf)


def _top_k(logits: Logits, top_k: ArrayLike) -> Logits:
    k = jnp.minimum(jnp.asarray(top_k, jnp.int32), logits.shape[-1])
    smallest = jnp.take(jnp.sort(logits, axis=-1), logits.shape[-1] - k, axis=-1)
    return jnp.where(logits >= smallest[:, None], logits, -jnp.inf)
