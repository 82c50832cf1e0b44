"""Settings into an optax optimizer."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from dllm.train.settings import OptimizerSettings


def schedule(settings: OptimizerSettings) -> optax.Schedule:
    """The learning rate of a step, counted from 0."""
    # From the step after: no step is spent on a rate of 0. A warm-up of 1 is then none.
    warmup, peak = max(settings.warmup, 1), settings.learning_rate
    if settings.schedule == "cosine":
        rates = optax.warmup_cosine_decay_schedule(0.0, peak, warmup, settings.steps)
    else:
        rates = optax.warmup_constant_schedule(0.0, peak, warmup)
    return lambda count: rates(jnp.asarray(count + 1, jnp.float32))


def optimizer(settings: OptimizerSettings) -> optax.GradientTransformation:
    """Clipping, then AdamW; norms do not decay."""
    first, second = settings.betas
    adamw = optax.adamw(
        schedule(settings),
        b1=first,
        b2=second,
        weight_decay=settings.weight_decay,
        mask=_matrices,
    )
    return optax.chain(optax.clip_by_global_norm(settings.clip), adamw) if settings.clip else adamw


def average(settings: OptimizerSettings, step: Any, params: Any, ema: Any) -> Any:
    """The next moving average; its decay grows from 0.1, so that first weights are soon gone."""
    decay = jnp.minimum(settings.ema, (1.0 + step) / (10.0 + step))
    return optax.incremental_update(params, ema, 1.0 - decay)


def _matrices(params: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)
