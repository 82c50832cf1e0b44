"""Languages in the loop: every text is valid, whatever the model, the rule and the order."""

import inspect
from dataclasses import fields
from functools import cache
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import dllm
import grammar
from benchmarks.grammar.watched import Watched
from grammar import Compiled, Vocabulary, compile_grammar, regex
from grammar.general.convert import over_characters
from grammar.general.lattice import Lattice
from grammar.intersection import fragments_graph, intersects
from grammar.network import build_network
from grammar.nodes import Alt, Call, Grammar, Seq, literal
from samplers.named import RULES
from tests import models, toys
from tests.grammar.languages import json_texts
from tests.rules import Steady, TakesBack

TEXTS = ["{", "}", "[", "]", '"', 'a":', ",", "1", "true", "],[", "+", "-", "*", "(", ")", "C"]
TEXTS += ["=C", "a", "(ab)*", "b", "20"]
VOCABULARY = Vocabulary([*(text.encode() for text in TEXTS), *[None] * 3], frozenset({22}))
STOP = 22

SUM = Grammar(
    {
        "start": Alt((Call("part"), Seq((Call("start"), literal("+"), Call("part"))))),
        "part": Alt((literal("1"), Seq((literal("("), Call("start"), literal(")"))))),
    }
)
CHAIN = Grammar(
    {
        "start": Seq((literal("C"), Alt((Seq(()), Call("start"), Call("branch"))))),
        "branch": Seq((literal("("), Call("start"), literal(")"), Call("start"))),
    }
)
GRAMMARS: list[Grammar | None] = [json_texts(), regex("(a|b|20)(,-?(a|b|20))*"), SUM, CHAIN, None]
LENGTH, PROMPT = 12, 2


@cache
def compiled() -> list[Compiled | None]:
    return [own and compile_grammar(own, VOCABULARY) for own in GRAMMARS]


@cache
def toy(seed: int = 0) -> toys.Tanh:
    params = toys.random_params(seed)
    bias = params.pop("bias")
    params = {name: jnp.asarray(leaf, jnp.float32) for name, leaf in params.items()}
    return toys.Tanh(params, 3.0, jnp.asarray(bias, jnp.float32), quantised=True)


def rows(number: int = 5, seed: int = 0) -> dllm.Rows:
    prompts = [[1, 2 + row] for row in range(number)]
    return dllm.rows(prompts, LENGTH, LENGTH // 2, seed=seed)


def languages(number: int = 5) -> dllm.Languages:
    return dllm.Languages([compiled()[row % 5] for row in range(number)], [PROMPT] * number)


def decode(rule: Any, **options: Any) -> dllm.Decoded:
    proposal = dllm.Proposal(options.pop("temperature", 0.0), suppress=[toys.MASK_ID])
    options = {"constraint": languages(), "max_steps": 200} | options
    return dllm.decode(toy(), rows(), rule, proposal, **options)


def refuse_invalid(ended: dllm.Decoded) -> None:
    """Every row with a language holds one of its texts, says another algorithm."""
    for row, own in enumerate(GRAMMARS):
        tokens = np.asarray(ended.canvas[row])[PROMPT:].tolist()
        assert dllm.MASK not in tokens
        if own is not None:
            end = tokens.index(STOP) if STOP in tokens else LENGTH
            text = b"".join(VOCABULARY.tokens[token] or b"?" for token in tokens[:end])
            assert intersects(build_network(own), fragments_graph([text])), text
            assert set(tokens[end:]) <= {STOP}


FAST = ("random", "threshold")
NAMED = {
    "random": dllm.rule("random", tokens=3),
    "confidence": dllm.rule("confidence", tokens=8),
    "threshold": dllm.rule("threshold", threshold=0.05),
    "factor": dllm.rule("factor", factor=3.0),
    "llada": dllm.rule("llada", steps=4),
    "origin": dllm.rule("origin", steps=4),
    "remdm": dllm.rule("remdm", steps=8),
    "early_stop": dllm.rule("threshold+early_stop", threshold=0.1, eos=STOP),
    "steady": Steady(),
    "takes_back": TakesBack(),
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in FAST else pytest.mark.slow) for n in NAMED]
)
def test_every_text_is_valid(name: str) -> None:
    """A language a row, and a free row among them, which is what it is alone."""
    ended = decode(NAMED[name], temperature=1.0)
    refuse_invalid(ended)
    assert set(np.asarray(ended.outcome[:4]).tolist()) == {dllm.Outcome.FILLED}
    proposal = dllm.Proposal(1.0, suppress=[toys.MASK_ID])
    free = dllm.decode(toy(), rows(), NAMED[name], proposal, max_steps=200)
    np.testing.assert_array_equal(ended.canvas[4], free.canvas[4])
    assert ended.forwards[4] == free.forwards[4]


def test_watching_changes_nothing_and_counts() -> None:
    held = [languages(), Watched(languages(), 5), Watched(languages(), 5, writes=False)]
    ended = [decode(NAMED["threshold"], temperature=1.0, constraint=own) for own in held]
    np.testing.assert_array_equal(ended[0].canvas, ended[1].canvas)
    refuse_invalid(ended[2])
    _, watched, silent = held
    assert isinstance(watched, Watched)
    assert isinstance(silent, Watched)
    assert 0 < watched.forced[:4].sum() <= 4 * LENGTH
    assert watched.forced[4] == watched.taken_back[4] == 0  # without a language
    assert silent.forced.sum() == 0
    assert watched.taken_back.sum() > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(RULES) - {"early_stop"}))
def test_named_rules(name: str) -> None:
    """Those that need nothing but a canvas and a model; schedules of as many steps as fit."""
    steps: dict[str, Any] = (
        {"steps": 8} if "steps" in inspect.signature(RULES[name]).parameters else {}
    )
    try:
        rule = dllm.rule(name, **steps)
    except (TypeError, ValueError) as error:
        pytest.skip(f"{name} alone is no rule: {error}")
    refuse_invalid(decode(rule))


@pytest.mark.parametrize(
    ("drafts", "options"),
    [
        (3, {"temperature": 1.0}),
        pytest.param(3, {"temperature": 0.0}, marks=pytest.mark.slow),
        pytest.param(4, {"drafter": "published"}, marks=pytest.mark.slow),
        pytest.param(2, {"cache": "dual"}, marks=pytest.mark.slow),
        pytest.param(2, {"cache": "prefix"}, marks=pytest.mark.slow),
    ],
)
def test_drafts_change_no_token(drafts: int, options: dict[str, Any]) -> None:
    plain = decode(NAMED["random"], **{k: v for k, v in options.items() if k != "drafter"})
    drafted = decode(NAMED["random"], num_drafts=drafts, **options)
    refuse_invalid(plain)
    np.testing.assert_array_equal(plain.canvas, drafted.canvas)
    assert np.all(drafted.forwards <= plain.forwards)


@pytest.mark.slow
@pytest.mark.parametrize("cache", ["prefix", "dual"])
def test_caches(cache: str) -> None:
    refuse_invalid(decode(NAMED["threshold"], cache=cache))


def test_rows_among_strangers() -> None:
    """Refilled slots have their own languages: tokens are those of another batch."""
    together = decode(NAMED["random"], temperature=1.0)
    proposal = dllm.Proposal(1.0, suppress=[toys.MASK_ID])
    many = {"batch": 5, "constraint": languages(8), "max_steps": 200}
    pooled = dllm.decode_many(toy(), rows(8), NAMED["random"], proposal, **many)
    np.testing.assert_array_equal(together.canvas, pooled.decoded.canvas[:5])
    refuse_invalid(pooled.decoded)


@pytest.mark.slow
def test_narrow_languages() -> None:
    """What the model likes is looked at, whatever else is; and a text never ends with holes."""
    language = compile_grammar(over_characters(SUM), VOCABULARY)
    assert isinstance(language, Lattice)
    asked: list[tuple[int, ...]] = []

    class Watched(Lattice):
        def masks_with(self, canvas: Any, more: Any) -> grammar.Answer:
            asked.append(tuple(more))
            return super().masks_with(canvas, more)

    parts: dict[str, Any] = {own.name: getattr(language, own.name) for own in fields(language)}
    parts["active"] = 1
    narrow = Watched(**parts)
    proposal = dllm.Proposal(1.0, suppress=[toys.MASK_ID])
    judge = dllm.Languages([narrow] * 5, [PROMPT] * 5)
    ended = dllm.decode(toy(), rows(), NAMED["random"], proposal, constraint=judge, max_steps=200)
    for canvas in np.asarray(ended.canvas)[:, PROMPT:].tolist():
        end = canvas.index(STOP) if STOP in canvas else LENGTH
        text = b"".join(VOCABULARY.tokens[token] or b"?" for token in canvas[:end])
        assert intersects(build_network(SUM), fragments_graph([text])), text
    assert any(asked)


def test_what_is_certain_is_free() -> None:
    """One admissible token a position: all is written in the first step."""
    texts = [compile_grammar(grammar.choices(["a" * 11 + "b"]), VOCABULARY)] * 5
    ended = dllm.decode(
        toy(),
        rows(),
        dllm.rule("random", tokens=1),
        constraint=dllm.Languages(texts, [PROMPT] * 5),
    )
    assert ended.forwards.tolist() == [2] * 5  # one a block
    a, b = TEXTS.index("a"), TEXTS.index("b")
    assert ended.canvas[0, PROMPT:].tolist() == [a] * 11 + [b]
    assert np.all(ended.log_probs == 0)


@pytest.fixture(scope="module")
def digits() -> Grammar:
    return regex("[0-9]{3}(-[0-9]{3})*")


def belongs(text: str, language: Grammar) -> bool:
    return intersects(build_network(language), fragments_graph([text.encode()]))


def test_generate(digits: Grammar) -> None:
    told = dllm.generate(
        models.small(), ["a", "b"], grammar=digits, gen_length=8, batch=2, progress=False
    )
    assert all(belongs(answer.text, digits) for answer in told)


@pytest.mark.slow
def test_stream_and_free_rows(digits: Grammar) -> None:
    """A grammar a row: the free row is what it is alone; a stream adds up to the whole."""
    common: dict[str, Any] = {"gen_length": 12, "block_length": 4}
    model, prompts = models.small(), ["a", "b"]
    one, two = dllm.generate(model, prompts, grammar=[digits, None], batch=2, **common)
    assert belongs(one.text, digits)
    assert two.tokens == dllm.generate(model, prompts, batch=2, **common)[1].tokens
    chunks = list(dllm.stream(model, "a", grammar=digits, **common))
    assert "".join(chunk.text for chunk in chunks) == one.text


@pytest.mark.slow
def test_infill(digits: Grammar) -> None:
    """Committed text on both sides; no stop token may end the template."""
    filled = dllm.infill(models.small(), ["12", dllm.Hole(4), "6"], grammar=digits, progress=False)
    assert filled.text[:2] == "12"
    assert filled.text[-1] == "6"
    assert belongs(filled.text, digits)
    with pytest.raises(grammar.InfeasibleError, match="row 0: a canvas must have a filling"):
        dllm.infill(models.small(), ["12", dllm.Hole(4), "x"], grammar=digits)


def test_refusals(digits: Grammar) -> None:
    model = models.small()
    needed = r"^row 0: a hole must have at least 3 tokens, got 2$"
    with pytest.raises(grammar.InfeasibleError, match=needed):
        dllm.generate(model, "a", gen_length=2, grammar=digits)
    with pytest.raises(ValueError, match=r"^grammar: needs one entry a row \(1\), got 2$"):
        dllm.generate(model, "a", gen_length=8, grammar=[digits, digits])
    with pytest.raises(ValueError, match=r"^grammar: must be given without constraint, got both$"):
        dllm.generate(model, "a", gen_length=8, grammar=digits, constraint=Anything())
    foreign = compile_grammar(digits, Vocabulary([bytes([byte]) for byte in range(256)]))
    with pytest.raises(
        ValueError, match=r"^Languages: must be compiled for the model's 24 tokens, got 256"
    ):
        dllm.decode(
            toy(), rows(), NAMED["random"], constraint=dllm.Languages([foreign] * 5, [PROMPT] * 5)
        )
    with pytest.raises(ValueError, match=r"^Languages: begins must have one entry a row"):
        dllm.Languages([None], [])


@dllm.part
class Anything:
    """A constraint that forbids nothing."""

    def allowed(self, canvas: Any) -> Any:
        return jnp.ones((canvas.shape[0], 320), bool)
