"""The compiled passes give the answers of the plain ones, position by position."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from grammar import (
    MASK,
    Compiled,
    Grammar,
    Vocabulary,
    compile_grammar,
    json_schema,
    lark_grammar,
    regex,
    shipped,
)
from grammar import native as native_module
from grammar.loading import load_kernels
from grammar.native import Native, build_native, kernels
from tests.grammar.canvases import STOP, TOKENS, plain, random_canvas
from tests.grammar.languages import FIXED, bnf

pytest.importorskip("numba", reason="numba is absent (extra: grammar)")

WIDE = {
    "type": "object",
    "properties": {
        "a": {"$ref": "#"},
        "b": {"type": "array", "items": {"$ref": "#"}},
        "ab": {"type": ["string", "number", "null"]},
        "bb": {"enum": [True, [1], {"a": None}]},
        "c": {"anyOf": [{"$ref": "#"}, {"type": "string"}]},
    },
    "additionalProperties": {"type": "array"},
}
RECORD = r'\{("(a|b|ab)": ?(-?[0-9]{1,4}|"[^"\\]{0,9}"|true|null)(, ?)?)+\}'


def languages() -> dict[str, Grammar]:
    return FIXED | {
        "json": lark_grammar(shipped("json")),
        "arithmetic": lark_grammar(shipped("arithmetic")),
        "smiles": lark_grammar(shipped("smiles")),
        "wide": json_schema(WIDE),
        "record": regex(RECORD),
        "brackets": bnf(["S -> ( S ) | [ S ] | { S } | S S | a | b"]),
        "crossed": bnf(["S -> a S b | a S c | a b S c | S x S | x | 1"]),
    }


def native(language: Compiled) -> Native:
    return build_native(language.machine, language.classes)


def compare(language: Compiled, own: Native, canvas: list[int]) -> None:
    want = plain(language, canvas)
    stops = bool(language.vocabulary.stop_ids)
    got = own.solve(language._cells(canvas), language.must_stop, stops)
    assert got.feasible == want.feasible
    assert own.feasible(language._cells(canvas), language.must_stop, stops) == want.feasible
    np.testing.assert_array_equal(got.classes, want.classes)


def test_pushes_of_one_layer_share_no_frame() -> None:
    """After `da` a text can only go on above Y's frame, after `eb` only above Z's.

    Both tokens push the same return point above the same two frames. If the pushes shared a frame,
    `db` and `ea` would seem possible: something closes it above each of the two.
    """
    rules = ["S -> Y p p p p | Z q q q", "Y -> 1 d U | y Y y", "Z -> 2 e U | y Z y"]
    rules += ["U -> V w | y U y", "V -> a c | b c c | y V y"]
    texts = ["1", "2", "da", "db", "ea", "eb", "c", "w", "p", "q"]
    language = compile_grammar(bnf(rules), Vocabulary([text.encode() for text in texts]))
    allowed = language.admissible([MASK] * 8)[1]
    assert [text for text, good in zip(texts, allowed, strict=True) if good] == ["da", "eb"]
    compare(language, native(language), [MASK] * 8)


@pytest.mark.parametrize("name", ["json", "brackets", "crossed"])
def test_equals_the_plain_passes(name: str) -> None:
    _compare_many(name, 8, 20, 0)


def test_frames_of_the_layer_that_is_pushed_are_told() -> None:
    """What closes a frame is kept a word of frames; here it was once lost at the frame's push."""
    vocabulary = Vocabulary(TOKENS, frozenset({STOP}))
    language = compile_grammar(languages()["json"], vocabulary)
    canvas = [MASK] * 12
    for position, text in ((5, b'"'), (10, b'"'), (11, b"}")):
        canvas[position] = TOKENS.index(text)
    compare(language, native(language), canvas)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", languages())
def test_equals_the_plain_passes_often(name: str, seed: int) -> None:
    plainly_slow = name == "wide"
    _compare_many(name, 10 if plainly_slow else 200, 12 if plainly_slow else 32, seed + 1)


def _compare_many(name: str, number: int, longest: int, seed: int) -> None:
    rng = np.random.default_rng([seed, *name.encode()])
    vocabulary = Vocabulary(TOKENS, frozenset({STOP}))
    language = compile_grammar(languages()[name], vocabulary, must_stop=bool(seed % 2))
    own = native(language)
    for _ in range(number):
        compare(language, own, random_canvas(language, longest, rng))


def test_many_frames() -> None:
    """Rows of several words: two hundred frames and more are open at once."""
    language = compile_grammar(languages()["brackets"], Vocabulary(TOKENS, frozenset({STOP})))
    own = native(language)
    compare(language, own, [MASK] * 50)
    assert own.rooms[0].frames[50] > 200


def test_room_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ARENA", "ITEMS", "FRAMES"):
        monkeypatch.setattr(f"grammar.native.{name}", 16)
    language = compile_grammar(languages()["crossed"], Vocabulary(TOKENS, frozenset({STOP})))
    compare(language, native(language), [MASK] * 30)


def test_sets_of_many_layers_are_found() -> None:
    """Sets of old numbers once filled the table that finds equal ones, and a search had no end."""
    plain = load_kernels(Path(native_module.__file__).with_name("kernels"), compiled=False)
    rng, states = np.random.default_rng(0), 40
    members = [np.sort(rng.choice(states, rng.integers(1, 8), replace=False)) for _ in range(31)]
    begins = np.cumsum([0, *map(len, members)])
    sets = plain.sets.make_sets(
        SimpleNamespace(set_begins=begins, set_sources=np.concatenate(members))
    )
    arena, here, version = np.zeros(200, np.uint64), np.full(states, -1), 0
    shared = plain.shared
    with np.errstate(over="ignore"):
        shelf = shared.make_shelf(arena, states, states)
    arena[:states] = np.uint64(1) << np.arange(states, dtype=np.uint64)
    shelf[shared.ROW, :states] = np.arange(states)
    for layer in range(1, 5):
        ids = rng.integers(0, states, states)
        room = SimpleNamespace(item_node=np.arange(states), item_id=ids)
        room.states, room.begins = np.zeros(9, np.int64), np.full(9, states)
        with np.errstate(over="ignore"):
            shelf[shared.COUNTERS, : shared.FRAMES] = states, 0, states
            shelf[shared.HASH, :states] = [shared.hash_row(arena, i, 1) for i in range(states)]
            shared.begin_layer(arena, shelf, 1, 1)
            version = plain.sets.enter_sets(room, layer, here, sets, version)
            for number in rng.permutation(len(members)):
                own = plain.sets.row_of_set(sets, arena, shelf, number, layer, here, version, 1)
                assert int(arena[shelf[shared.ROW, own]]) == sum(
                    {1 << i for i in ids[members[number]]}
                )
                assert np.sum(sets.slots >= 0) <= len(members)


def test_compiled_once() -> None:
    """No program is compiled anew for another grammar or another canvas."""
    for name in ("json", "smiles"):
        language = compile_grammar(languages()[name], Vocabulary(TOKENS))
        for length in (0, 3):
            native(language).solve(np.full(length, -1), False)
    assert len(kernels().solve.signatures) == 1
