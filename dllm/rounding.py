"""Scores as half-precision code computes them: probabilities that are rounded to bfloat16.

Published runs often take the softmax in the model's own dtype. Probabilities near 1 then become 1,
many are equal, and a threshold has the resolution of 8 bits.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from samplers.base import LOG_ZERO
from samplers.vocab import Logits, Summary

ROUNDINGS = ("none", "bfloat16")

Row = Float[Array, " window"]


def rounded(values: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """Numbers as bfloat16 holds them, in float32."""
    # Not there and back by astype: XLA may leave that out as excess precision.
    return jax.lax.reduce_precision(values.astype(jnp.float32), exponent_bits=8, mantissa_bits=7)


def log_of_rounded(log_probability: Row) -> Row:
    """The logarithm of a rounded probability; `LOG_ZERO` of 0."""
    probability = rounded(jnp.exp(log_probability))
    return jnp.where(probability > 0, jnp.log(probability), LOG_ZERO)


def log_margin(summary: Summary) -> Row:
    """Of the rounded likeliest probability minus the rounded runner-up."""
    first, second = -summary.log_norm, -summary.gap - summary.log_norm
    margin = rounded(rounded(jnp.exp(first)) - rounded(jnp.exp(second)))
    return jnp.where(margin > 0, jnp.log(margin), LOG_ZERO)


def entropy(logits: Logits, summary: Summary) -> Row:
    """Minus the sum of p log(p + 1e-10), every factor and the sum rounded."""
    shifted = logits - (summary.peak + summary.log_norm)[:, None]
    probability = rounded(jnp.exp(shifted))
    logarithm = rounded(jnp.log(rounded(probability + 1e-10)))
    return -rounded(jnp.sum(rounded(probability * logarithm), axis=-1))
