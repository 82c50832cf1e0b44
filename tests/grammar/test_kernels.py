"""The compiled passes give the answers of the plain ones."""

import numpy as np
import pytest

from grammar import MASK, Compiled, Vocabulary, compile_grammar
from grammar.native import build_tables
from grammar.pushdown import solve
from tests.grammar.languages import FIXED

pytest.importorskip("numba", reason="numba is absent (extra: grammar)")

TEXTS = ["{", "}", "[", "]", '"', 'a":', ",", "1", "},{", '":', "true", "{}", "(", ")", "x", "))"]
TEXTS += ["((", "a", "b", "ab", "c", "aab", "bb"]
STOP = len(TEXTS) + 1
VOCABULARY = Vocabulary([*(text.encode() for text in TEXTS), b" ", None], frozenset({STOP}))


def random_canvas(language: Compiled, rng: np.random.Generator) -> list[int]:
    """Half of them filled with anything, half with what is admissible, part of the way."""
    length = int(rng.integers(0, 14))
    if rng.random() < 0.5:
        return [
            int(rng.integers(-1, STOP + 1)) if rng.random() < 0.3 else MASK for _ in range(length)
        ]
    canvas = [MASK] * length
    for position in rng.permutation(length)[: rng.integers(0, length + 1)]:
        alive = np.flatnonzero(language.admissible(canvas)[position])
        if len(alive):
            canvas[position] = int(rng.choice(alive))
    return canvas


@pytest.mark.slow
@pytest.mark.parametrize("must_stop", [False, True])
def test_equals_the_plain_passes(must_stop: bool) -> None:
    rng = np.random.default_rng(must_stop)
    for grammar in FIXED.values():
        language = compile_grammar(grammar, VOCABULARY, must_stop)
        tables = build_tables(language.machine, language.classes)
        for _ in range(40):
            cells = language._cells(random_canvas(language, rng))
            want = solve(language.machine, language.classes, cells.tolist(), must_stop)
            feasible, classes = tables.solve(cells, must_stop)
            assert feasible == want.feasible
            np.testing.assert_array_equal(classes, want.classes)
