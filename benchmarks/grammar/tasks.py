"""Embedded tasks decoded with a grammar and without: validity, accuracy, forwards."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from benchmarks.grammar.questions import ANSWER, FAMILIES, Question
from benchmarks.grammar.watched import Watched
from dllm.canvas import Layout
from dllm.collect import collect
from dllm.decode import Decoded
from dllm.jobs import Task
from dllm.languages import Languages
from dllm.load import Model
from dllm.prompts import encode
from dllm.requests import make_proposal
from dllm.row import Outcome
from dllm.rules import Choice
from dllm.token_bytes import vocabulary_of
from grammar import MASK, Compiled, Grammar, compile_grammar, completable

POSITIONS = 96
"""Of a canvas, so that all tasks share programs; longer ones have their own."""

DONE = (Outcome.FILLED, Outcome.ENDED)

HELD = {"with": ("raw", True), "unmasked": ("unmasked", True), "nothing_for_free": ("raw", False)}
"""Ways of decoding under a language: what scores describe, and whether tokens that must stand
somewhere are written for free."""


class Answer(NamedTuple):
    """What came of one question."""

    text: str
    done: bool
    """Whether no hole was left open."""
    forwards: int


class Arm(NamedTuple):
    """The answers to the questions of a family in one way of decoding."""

    answers: list[Answer]
    valid: list[bool]
    """Whether they are texts of their languages."""
    right: list[float]
    held: bool
    """Whether there was a language."""
    forced: float = 0.0
    """Tokens an answer that were written for free."""
    taken_back: float = 0.0
    """Writes an answer that were taken back."""

    def figures(self) -> dict[str, float]:
        """Means over the answers."""
        told = {"forced": self.forced, "taken_back": self.taken_back}
        return (told if self.held else {}) | {
            "valid": float(np.mean(self.valid)),
            "right": float(np.mean(self.right)),
            "forwards": float(np.mean([answer.forwards for answer in self.answers])),
        }


class Family:
    """The questions of a family, laid out for a model."""

    def __init__(self, model: Model, name: str, limit: int, seed: int, batch: int) -> None:
        assert model.tokenizer is not None
        self.name, self._model, self._batch = name, model, batch
        self.questions: Sequence[Question] = FAMILIES[name](
            model.tokenizer, limit, np.random.default_rng(seed)
        )
        made = [_layout(model, own, seed + i) for i, own in enumerate(self.questions)]
        self._layouts = [layout for layout, _ in made]
        self._begins = [begin for _, begin in made]
        # Committed text between holes: nothing but text may be written, as `dllm.infill` has it.
        self._never = model.specials.ids if _is_template(self.questions[0]) else ()

    @property
    def languages(self) -> list[str]:
        """The names of what answers are held to."""
        return list(self.questions[0].languages)

    def grammars(self, language: str) -> list[Grammar]:
        """The language of each question."""
        return [question.languages[language] for question in self.questions]

    def watched(self, compiled: Sequence[Compiled], *, writes: bool) -> Watched:
        """The constraint of a decode.

        Raises:
            grammar.InfeasibleError: a question has no answer.
        """
        languages = Languages(compiled, self._begins)
        for row, layout in enumerate(self._layouts):
            languages.require(row, layout.ids)
        return Watched(languages, len(self._layouts), writes=writes)

    def decode(
        self,
        choice: Choice,
        constraint: Watched | None,
        what: str,
        progress: bool | None,
        scores: str = "raw",
    ) -> list[Answer]:
        """The answers, in the order of the questions."""
        model = self._model
        task = Task(
            choice.scheduler,
            make_proposal(model, 0.0, None, None, None, self._never, scores),
            self._batch,
            ends=() if self._never else model.specials.ends,
            constraint=constraint,
            lengths=(POSITIONS,),
        )
        return collect(
            f"{self.name}, {what}",
            model,
            self._layouts,
            task,
            self._answer,
            progress=progress,
            watch=None,
            on_result=None,
        )

    def _answer(self, job: int, decoded: Decoded) -> Answer:
        assert self._model.tokenizer is not None
        written = np.asarray(decoded.canvas)[self._begins[job] : len(self._layouts[job].ids)]
        over = np.isin(written, [*self._model.specials.ends, MASK])
        kept = written[: int(np.argmax(over))] if over.any() else written
        text = self._model.tokenizer.decode(kept.tolist())
        return Answer(text, int(decoded.outcome) in DONE, int(decoded.forwards))


def measure_tasks(
    model: Model,
    families: Sequence[str],
    choices: Sequence[Choice],
    limit: int,
    seed: int = 0,
    batch: int = 16,
    progress: bool | None = None,
) -> Iterator[dict[str, Any]]:
    """Answers each family's questions without a grammar, and with it in the ways of `HELD`.

    Args:
        model: Who answers; its tokenizer is byte-level.
        families: Names of `FAMILIES`.
        choices: The rules.
        limit: Questions a task.
        seed: Of what is drawn.
        batch: Questions decoded together.
        progress: Show a bar (None: on a terminal).

    Yields:
        The figures of one rule, family and language.
    """
    vocabulary = vocabulary_of(
        model, frozenset(model.specials.ends), frozenset({model.specials.mask})
    )
    for name in families:
        family = Family(model, name, limit, seed, batch)
        compiled = {
            language: [compile_grammar(own, vocabulary) for own in family.grammars(language)]
            for language in family.languages
        }
        for choice in choices:
            free = family.decode(choice, None, f"{choice.text}, without", progress)
            for language in family.languages:
                grammars = family.grammars(language)
                arms = {"without": _arm(family, grammars, free, None)}
                for arm, (scores, writes) in HELD.items():
                    held = family.watched(compiled[language], writes=writes)
                    what = f"{language}, {choice.text}, {arm}"
                    answers = family.decode(choice, held, what, progress, scores)
                    arms[arm] = _arm(family, grammars, answers, held)
                yield _compared(family, language, choice, arms)


def _arm(
    family: Family, grammars: Sequence[Grammar], answers: list[Answer], held: Watched | None
) -> Arm:
    valid = [
        answer.done and completable(language, [answer.text])
        for answer, language in zip(answers, grammars, strict=True)
    ]
    right = [
        question.right(answer.text)
        for answer, question in zip(answers, family.questions, strict=True)
    ]
    if held is None:
        return Arm(answers, valid, right, False)
    forced, back = float(held.forced.mean()), float(held.taken_back.mean())
    return Arm(answers, valid, right, True, forced, back)


def _compared(
    family: Family, language: str, choice: Choice, arms: dict[str, Arm]
) -> dict[str, Any]:
    """What the language did to the answers."""
    means = {name: arm.figures() for name, arm in arms.items()}
    pairs = list(zip(arms["without"].right, arms["with"].right, strict=True))
    tasks: dict[str, list[int]] = {}
    for number, question in enumerate(family.questions):
        tasks.setdefault(question.task, []).append(number)
    return {
        "family": family.name,
        "language": language,
        "rule": choice.text,
        "options": choice.options,
        "answers": len(family.questions),
        **means,
        "forwards_saved": means["nothing_for_free"]["forwards"] - means["with"]["forwards"],
        "won": sum(after > before for before, after in pairs),
        "lost": sum(after < before for before, after in pairs),
        "right_by_task": {
            task: {name: float(np.mean([arm.right[i] for i in own])) for name, arm in arms.items()}
            for task, own in tasks.items()
        },
    }


def _is_template(question: Question) -> bool:
    return any(token != MASK for token in question.canvas)


def _layout(model: Model, question: Question, seed: int) -> tuple[Layout, int]:
    """A question's canvas, and where its answer begins; each hole is a block."""
    prompt = encode(model, [{"role": "user", "content": question.prompt}])
    assert model.specials.eos is not None
    rest = ANSWER - len(question.canvas)
    ids = [*prompt, *question.canvas, *[model.specials.eos] * rest]
    blocks, begin = [], None
    for position, token in enumerate([*ids, 0]):
        if token == MASK and begin is None:
            begin = position
        elif token != MASK and begin is not None:
            blocks.append((begin, position))
            begin = None
    return Layout(ids, blocks[0][0], blocks, seed), len(prompt)
