"""The seventeen scored tasks by the names that the benchmark's harness and its site give them."""

from typing import NamedTuple

from benchmarks.tasks.catalogue import TEXTS, kind_of

COUNT = 100
"""Examples of a task."""

GROUPS = {
    "waiting_line": (
        *("copy", "reverse", "sort", "shuffle", "insert_index", "insert_random"),
        *("remove_index", "remove_random", "replace_index", "replace_random"),
    ),
    "text_writing": (
        *("paraphrasing", "summarization"),
        *(f"words_to_sentence_{level}" for level in ("easy", "medium", "hard")),
    ),
    "puzzles": ("sudoku_n4", "latin_square_n4"),
}
"""Short names by category, in the order of published results."""

TITLES = {
    "waiting_line": "Waiting Line",
    "text_writing": "Text Writing",
    "puzzles": "Puzzles",
}

METRICS = {
    "paraphrasing": ("inv_bleu_score", "bertscore_score", "grammar_score", "score"),
    "summarization": ("rouge1_score", "rouge2_score", "rougeL_score", "grammar_score", "score"),
    **{
        f"words_to_sentence_{level}": ("inclusion_score", "grammar_score", "score")
        for level in ("easy", "medium", "hard")
    },
}
"""What text tasks are scored by; tasks with rules by `RULE_METRICS`."""

RULE_METRICS = ("score", "score_strict")
COSTS = ("nfe", "tokens_per_step", "input_length", "output_length")
"""What is counted of every answer."""


class Task(NamedTuple):
    """A scored task."""

    name: str
    """Its short name."""
    category: str
    gen_length: int
    until: str
    shots: int

    @property
    def full_name(self) -> str:
        """What the harness calls it."""
        return f"parallelbench_{self.category}_{self.name}"

    @property
    def samples_file(self) -> str:
        """Where the harness keeps its samples."""
        return f"samples_{self.full_name}.jsonl"

    @property
    def site(self) -> str:
        """What the leaderboard's site calls it."""
        shown = self.name.removesuffix("_n4").replace("words_to_sentence", "w2s")
        return f"{self.category.replace('_', '')}-{shown}"

    @property
    def scores(self) -> tuple[str, ...]:
        """Its scores, in the order of published results."""
        return METRICS.get(self.name, RULE_METRICS)


def _task(name: str, category: str) -> Task:
    kind = kind_of(name)
    return Task(name, category, kind.gen_length, kind.until, shots=0 if name in TEXTS else 1)


TASKS = {name: _task(name, category) for category, names in GROUPS.items() for name in names}
"""All seventeen by their short names."""

RULE_TASKS = tuple(name for name in TASKS if name not in TEXTS)
"""The twelve that need no grammar checker."""
