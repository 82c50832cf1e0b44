"""The shape of a transformer: everything that its program is compiled for."""

import dataclasses
from typing import Any, NamedTuple


@dataclasses.dataclass(frozen=True)
class Experts:
    """A mixture of experts in place of the MLP: a router sends each position to a few of them."""

    number: int
    chosen: int
    """How many a position is sent to."""
    hidden: int
    """Width of one expert."""
    score: str = "softmax"
    """`softmax` over all experts, or each one's `sigmoid`."""
    bias: str | None = None
    """A bias an expert, added to the scores that are compared (`choice`) or also to those that
    weigh (`weight`)."""
    normalised: bool = True
    """Whether the weights of those chosen add up to 1, before `scale`."""
    scale: float = 1.0
    groups: int = 1
    """Experts are chosen from the best of so many equal groups. A group is as good as its two best
    experts together."""
    kept_groups: int = 1
    shared: int = 0
    """Width of an MLP that every position goes through as well."""
    dense: tuple[int, ...] = ()
    """Layers that have a plain MLP instead."""


@dataclasses.dataclass(frozen=True)
class Config:
    """Switches and sizes of one transformer. A family fills it from a checkpoint's config.json."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    head_dim: int
    hidden: int
    """Width of the gated MLP; 0 where every layer has experts."""
    vocab: int
    """Rows of the embedding, padding included."""
    max_length: int
    rope_theta: float
    norm_eps: float
    tied: bool
    """Whether the head is the embedding."""
    causal_block: int | None = None
    """Block-causal attention: positions attend to blocks of this length up to their own, counted
    from the first position. `None`: every position attends to every other."""
    reordered: bool = False
    """Causal attention over decided positions in their order and undecided ones behind them."""
    shifted: bool = False
    """Trained to predict the next token: the logits of a position come from the one before it."""
    qkv_bias: bool = False
    qk_norm: bool = False
    """Whether each head's queries and keys go through a norm before they are turned."""
    rotary_dim: int | None = None
    """How many numbers of a head are turned, the first ones; `None`: all."""
    experts: Experts | None = None

    @property
    def mlp_layers(self) -> tuple[int, ...]:
        """The layers with a plain MLP."""
        return tuple(range(self.layers)) if self.experts is None else self.experts.dense

    @property
    def parameters(self) -> int:
        """How many numbers a checkpoint of this shape holds."""
        return self._parameters(None if self.experts is None else self.experts.number)

    @property
    def active(self) -> int:
        """How many of them one position meets."""
        return self._parameters(None if self.experts is None else self.experts.chosen)

    @property
    def widest(self) -> int:
        """The most MLP width that one position goes through in a layer."""
        if self.experts is None:
            return self.hidden
        return max(self.hidden, self.experts.chosen * self.experts.hidden + self.experts.shared)

    def _parameters(self, experts: int | None) -> int:
        head = self.head_dim * (self.heads + 2 * self.kv_heads)
        attention = self.width * (head + self.head_dim * self.heads)
        attention += head * self.qkv_bias + 2 * self.head_dim * self.qk_norm
        total = self.layers * (attention + 2 * self.width)
        total += len(self.mlp_layers) * 3 * self.width * self.hidden
        if self.experts is not None and experts is not None:
            own = 3 * self.width * (experts * self.experts.hidden + self.experts.shared)
            router = self.experts.number * (self.width + (self.experts.bias is not None))
            total += (self.layers - len(self.mlp_layers)) * (own + router)
        embeddings = (1 if self.tied else 2) * self.vocab * self.width
        return total + embeddings + self.width

    def flops(self, tokens: int, length: int, window: int) -> float:
        """Floating point operations of one forward.

        `tokens` rows times positions go through the layers, each attends to `length` positions, and
        `window` of them go through the head.
        """
        layers = self.active - (1 if self.tied else 2) * self.vocab * self.width
        attention = 4 * self.layers * self.heads * self.head_dim * tokens * length
        return 2.0 * layers * tokens + attention + 2.0 * self.vocab * self.width * window


class Specials(NamedTuple):
    """Token ids with a meaning. `None` where the checkpoint has no such token."""

    mask: int
    eos: int | None = None
    """End of text."""
    eot: int | None = None
    """End of a turn."""
    pad: int | None = None
    bos: int | None = None

    @property
    def ends(self) -> tuple[int, ...]:
        """Tokens that end an answer."""
        return tuple(dict.fromkeys(i for i in (self.eos, self.eot) if i is not None))

    @property
    def ids(self) -> tuple[int, ...]:
        """All of them, once each."""
        return tuple(dict.fromkeys(i for i in self if i is not None))


class CheckpointError(ValueError):
    """A folder that is no checkpoint, or one that this version cannot read."""


def field(config: dict[str, Any], key: str, kind: type | tuple[type, ...]) -> Any:
    """A value of config.json; raises where it is missing or of another kind."""
    if key not in config:
        raise CheckpointError(f"config.json: {key} is missing")
    value = config[key]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        names = " or ".join(k.__name__ for k in kinds)
        raise CheckpointError(f"config.json: {key} must be {names}, got {value!r}")
    return value
