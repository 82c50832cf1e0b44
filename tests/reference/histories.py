"""Samplers that remember: KLASS, CreditDecoding, SlowFast."""

import numpy as np

from tests.reference import selections
from tests.reference.blockwise import Look


class Klass:
    """Chooses calm and sure positions, else the schedule's best."""

    def __init__(self, shares: list[int], conf: float, kl: float, history: int, take: str) -> None:
        self.shares, self.conf, self.kl, self.history, self.take = shares, conf, kl, history, take
        self.before: np.ndarray | None = None
        self.divergences: list[np.ndarray] = []

    def __call__(self, look: Look) -> list[int]:
        p = look.probabilities
        before = np.zeros_like(p) if self.before is None else self.before
        moved = np.sum(p * np.log((p + 1e-12) / (before + 1e-12)), axis=-1)
        self.before = p
        self.divergences.append(moved)
        ready = look.eligible & (look.scores > self.conf) & (look.step >= self.history - 1)
        ready[: look.start] = False
        for recent in self.divergences[-self.history :]:
            ready &= recent < self.kl
        if not ready.any():
            return selections.top_k(look.scores, look.eligible, self.shares[look.step])
        order = {"max_conf": look.scores, "min_kl": -moved}
        if self.take in order:
            return selections.top_k(order[self.take], ready, 1)
        return np.flatnonzero(ready).tolist()


class Credits:
    """Logits plus a bonus for what was the likeliest token in earlier steps of the block."""

    def __init__(self, alpha: float, gamma: float, beta: float) -> None:
        self.alpha, self.gamma, self.beta = alpha, gamma, beta
        self.earned = np.zeros((0, 0))

    def __call__(self, logits: np.ndarray, eligible: np.ndarray, step: int) -> np.ndarray:
        p = np.exp(logits - logits.max(-1, keepdims=True))
        p /= p.sum(-1, keepdims=True)
        self.earned = self.earned * self.beta if step else np.zeros_like(p)
        for i in np.flatnonzero(eligible):
            self.earned[i, p[i].argmax()] += p[i].max() ** self.gamma
        return logits + self.alpha * np.log(1 + self.earned)


class SlowFast:
    """Slow steps that look for the end of a stretch, fast ones that fill it."""

    def __init__(self, high: float, cycle: float, slow_steps: int) -> None:
        self.high, self.cycle, self.slow_steps = high, cycle, slow_steps
        self.begin = self.end = 0
        self.guesses: list[int] = []
        self.settled: int | None = None

    def __call__(self, look: Look) -> list[int]:
        slow = self._begin_or_go_on(look)
        if slow:
            self._guess(look)
        window = np.arange(len(look.eligible))
        stop = look.end if slow else self.end
        open_ = look.eligible & (window >= self.begin) & (window < stop)
        sure = np.flatnonzero(open_ & (look.scores >= self.high)).tolist()
        return sure if len(sure) >= 2 else selections.top_k(look.scores, open_, 1)

    def _begin_or_go_on(self, look: Look) -> bool:
        explored = len(self.guesses) == self.slow_steps
        over = explored and not look.eligible[self.begin : self.end].any()
        if look.step == 0 or over:
            self.begin = look.start if look.step == 0 else self.end
            self.guesses, self.settled = [], None
        return len(self.guesses) < self.slow_steps

    def _guess(self, look: Look) -> None:
        sure = look.eligible & (look.scores >= self.cycle)
        at = [int(i) for i in np.flatnonzero(sure) if i >= self.begin]
        guess = min(max(at) + 1 if at else self.begin + 2, look.end)
        self.guesses.append(guess)
        recent = self.guesses[-2:]
        if self.settled is None and len(recent) == 2 and np.std(recent) < 1:
            self.settled = guess
        self.end = self.settled if self.settled is not None else int(np.mean(recent))
