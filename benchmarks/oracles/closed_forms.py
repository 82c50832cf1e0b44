"""What decodes of oracles come to, as far as formulas are known (Kang et al. 2025, ParallelBench).

Tokens are drawn from the marginals unless said otherwise; `k` positions a step, and k divides n.
"""

import math


def shuffle_accuracy(n: int, k: int) -> float:
    """Share of shuffles that hold every person once.

    A step draws k people independently from the m that are left, and they must differ. With k = 2
    and an even n that is (n - 1)!! / n!!.
    """
    _refuse_uneven(n, k)
    steps = range(n, 0, -k)
    return math.prod(math.perm(m, k) / m**k for m in steps)


def replace_accuracy(n: int, k: int) -> float:
    """Share of replacements that replace one person.

    Each of the m positions left takes the newcomer with probability 1 / m. Exactly one of a step's
    may; if none does, the next step is tried, and the last one must not fail.
    """
    _refuse_uneven(n, k)
    right = 0.0
    for m in range(k, n + 1, k):  # from the last step to the first
        once = k / m * (1 - 1 / m) ** (k - 1)
        never = (1 - 1 / m) ** k
        right = once + (never * right if m > k else 0.0)
    return right


def greedy_replace_accuracy(k: int) -> float:
    """The same where the likeliest token is taken and ties are broken at random.

    The newcomer is never the likeliest until k positions are left, and then at k = 2 a tie.
    """
    return {1: 1.0, 2: 0.5}.get(k, 0.0)


def shuffle_total_correlation(n: int) -> float:
    """Bits that a shuffle of n people loses if it is written in one step: n log n - log n!."""
    return n * math.log2(n) - math.log2(math.factorial(n))


def _refuse_uneven(n: int, k: int) -> None:
    if k < 1 or n < 1 or n % k:
        raise ValueError(f"closed form: k must divide n, got n {n} and k {k}")
