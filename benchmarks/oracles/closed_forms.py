"""What decodes of oracles come to, as far as formulas are known (Kang et al. 2025, ParallelBench).

`k` positions a step, and what is left over in the last one.
"""

import math
from collections.abc import Mapping
from typing import Any

COUNTING = ("random", "left_to_right", "confidence", "entropy", "margin")
"""Rules that write a fixed number of tokens a step, by their option `tokens`."""
BLIND = ("random", "left_to_right", "entropy", "margin")
"""Those of them whose order has nothing to do with the tokens that are drawn."""


def shuffle_accuracy(n: int, k: int) -> float:
    """Share of shuffles that hold every person once, tokens drawn from the marginals.

    A step draws k people independently from the m that are left, and they must differ. With k = 2
    and an even n that is (n - 1)!! / n!!. With k = n it is 2 to the power of -C, where C are the
    bits of the shuffle's total correlation, n log n - log n!.
    """
    return math.prod(math.perm(m, now) / m**now for m, now in _steps(n, k))


def replace_accuracy(n: int, k: int) -> float:
    """Share of replacements that replace one person, tokens drawn from the marginals.

    Each of the m positions left takes the newcomer with probability 1 / m. Exactly one of a step's
    may; if none does, the next step is tried, and the last one must not fail.
    """
    right = 0.0
    for m, now in reversed(_steps(n, k)):
        once = now / m * (1 - 1 / m) ** (now - 1)
        right = once + (1 - 1 / m) ** now * right
    return right


def greedy_replace_accuracy(n: int, k: int) -> float:
    """The same where the likeliest token is taken, and of several the one in line.

    The newcomer is never it until one position is left, which the last step must have for itself.
    Were ties broken at random, two positions left would do in half of all decodes.
    """
    return float(_steps(n, k)[-1] == (1, 1))


def known_accuracy(
    task: str, n: int, rule: str, options: Mapping[str, Any], temperature: float
) -> float | None:
    """What a rule comes to on lines of n people, if a formula says it.

    One token a step loses nothing, whatever the task and the order. A temperature above 1 would let
    impossible tokens in.
    """
    if rule not in COUNTING or not set(options) <= {"tokens"} or temperature > 1:
        return None
    k = options.get("tokens") or 1
    if k == 1:
        return 1.0
    match task:
        case "shuffle":
            return shuffle_accuracy(n, k) if temperature else 0.0
        case "replace_random" if temperature == 0:
            return greedy_replace_accuracy(n, k)
        case "replace_random" if temperature == 1 and rule in BLIND:
            return replace_accuracy(n, k)
    return None


def _steps(n: int, k: int) -> list[tuple[int, int]]:
    """The positions left before each step, and how many of them it writes."""
    if k < 1 or n < 1:
        raise ValueError(f"closed form: n and k must be at least 1, got n {n} and k {k}")
    return [(m, min(k, m)) for m in range(n, 0, -k)]
