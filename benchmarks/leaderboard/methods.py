"""The leaderboard's methods: the rule each is, the grid it was swept over, its published names."""

import inspect
from collections.abc import Mapping
from typing import Any, NamedTuple

from samplers.named import RULES

TOKENS = (1, 2, 4, 8, 16, 32)
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


BLOCK = "block_length"
"""Not an option of a rule: how many positions of an answer are a block."""


class Method(NamedTuple):
    """A method of the leaderboard."""

    site: str
    """What the site calls it."""
    unmasking: str
    """What the harness calls it."""
    rule: str
    """What `dllm.rule` calls it."""
    option: str
    """The option of that rule which is swept, or `BLOCK`."""
    grid: tuple[float, ...]
    keyword: str
    """The harness's name of the option."""
    folder: str
    """Of a setting in published results; `{}` is the value."""
    fixed: Mapping[str, Any] = {}
    """Further options in the harness's names."""
    whole_tokens: bool = False
    """Whether it writes a fixed number of tokens a step, so that no speed lies between two."""
    shared: bool = False
    """Whether published runs decoded eight rows at a time."""
    exact: bool = False
    """Whether published runs took the softmax in float64, and not in the model's bfloat16."""

    def keywords(self, value: float) -> dict[str, Any]:
        """A setting in the harness's names."""
        return {self.keyword: value, **self.fixed, "unmasking": self.unmasking}

    def folder_of(self, value: float) -> str:
        """The folder of a setting."""
        plain = len(self.folder) == 3  # k4, t0.9: written as they are; others shorten 1.0 to 1
        return self.folder.format(value if plain else f"{value:g}")

    @property
    def falling(self) -> bool:
        """Whether a larger value is a slower setting."""
        return "threshold" in self.option

    @property
    def missing(self) -> str:
        """Why it cannot be run; empty if it can."""
        if self.rule not in RULES:
            return f"no rule {self.rule!r} yet"
        known = [BLOCK, *inspect.signature(RULES[self.rule]).parameters]
        return "" if self.option in known else f"rule {self.rule!r} has no option {self.option!r}"


def _top_k(site: str, unmasking: str, rule: str) -> Method:
    return Method(
        site,
        unmasking,
        rule,
        "tokens",
        TOKENS,
        "k",
        "k{}",
        whole_tokens=True,
        shared=True,
    )


METHODS = (
    _top_k("random", "random", "random"),
    _top_k("l2r", "left_to_right", "left_to_right"),
    _top_k("confidence-topk", "confidence_topk", "confidence"),
    _top_k("entropy-topk", "entropy_topk", "entropy"),
    _top_k("topk-margin", "topk_margin", "margin"),
    Method(
        "confidence-threshold",
        "confidence_threshold",
        "threshold",
        "threshold",
        THRESHOLDS,
        "alg_threshold",
        "t{}",
        shared=True,
    ),
    Method(
        "confidence-factor",
        "confidence_factor",
        "factor_published",
        "factor",
        (0.7, 1.0, 1.3, 1.6, 1.9),
        "alg_factor",
        "f{}",
        shared=True,
    ),
    Method(
        "klass",
        "klass",
        "klass",
        "conf_threshold",
        (0.7, 0.8, 0.9, 0.95),
        "conf_threshold",
        "conf_threshold{}_kl_history_length2_kl_threshold0.01",
        {"kl_history_length": 2, "kl_threshold": 0.01},
        exact=True,
    ),
    Method(
        "slowfast",
        "slowfast",
        "slowfast",
        "high_threshold",
        THRESHOLDS,
        "sf_high_confidence_threshold",
        "sf_cycle_confidence_threshold0.3_sf_high_confidence_threshold{}",
        {"sf_cycle_confidence_threshold": 0.3},
    ),
    Method(
        "dus",
        "dus",
        "dus",
        BLOCK,
        TOKENS,
        "block_length",
        "bl{}_dus_base2_dus_remasking_threshold0.3",
        {"dus_base": 2, "dus_remasking_threshold": 0.3},
        exact=True,
    ),
    Method(
        "wino",
        "wino_dllm",
        "wino",
        "threshold",
        THRESHOLDS,
        "wino_threshold",
        "wino_threshold{}_wino_threshold_back0.9",
        {"wino_threshold_back": 0.9},
        exact=True,
    ),
)
"""In the order of the site."""


def method_of(rule: str, options: Mapping[str, Any]) -> Method | None:
    """The method that a setting of a rule belongs to: one of its own rule, swept in its option."""
    return next((m for m in METHODS if m.rule == rule and set(options) == {m.option}), None)


def of_rule(rule: str) -> Method:
    """The method that is a rule.

    Raises:
        ValueError: the leaderboard has none.
    """
    for method in METHODS:
        if method.rule == rule:
            return method
    known = ", ".join(method.rule for method in METHODS)
    raise ValueError(f"--sweep: published grids exist for {known}, got {rule!r}")


def is_whole(rule: str) -> bool:
    """Whether a method writes a fixed number of tokens a step; not so of unknown rules."""
    return any(method.rule == rule and method.whole_tokens for method in METHODS)


def is_exact(rule: str) -> bool:
    """Whether published runs of a rule took the softmax in float64; not so of unknown rules."""
    return any(method.rule == rule and method.exact for method in METHODS)
