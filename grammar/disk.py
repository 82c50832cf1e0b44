"""Compiled grammars kept on disk, found again by what they were made of."""

import hashlib
import io
import json
import os
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from grammar.classes import Effect, FutureNode, Operation, TokenClasses
from grammar.compiled import Compiled, compile_grammar
from grammar.general.lattice import ACTIVE, compile_lexed, lattice_of
from grammar.general.lexicon import Lexed
from grammar.general.tables import packed, unpacked
from grammar.machine import Machine, Move
from grammar.nodes import Grammar
from grammar.vocabulary import Vocabulary

FORMAT = 4
"""Goes up whenever the same grammar would be compiled to something else."""


def compile_cached(
    grammar: Grammar, vocabulary: Vocabulary, folder: Path, must_stop: bool = False
) -> Compiled:
    """As `compile_grammar`, but what is in `folder` is not compiled again.

    The name of a file is a hash of the rules, the vocabulary's bytes and the format, so another
    grammar is never found in its place. A file that cannot be read is made anew; a folder that
    cannot be written to is done without.
    """
    if isinstance(grammar, Lexed):
        return _lattice_cached(grammar, vocabulary, folder, must_stop)
    path = folder / f"{content_hash(grammar, vocabulary)}.json"
    with suppress(OSError, ValueError, KeyError, TypeError, IndexError):
        machine, classes = _from_plain(json.loads(path.read_text("utf-8")))
        return Compiled(machine, classes, vocabulary, must_stop)
    compiled = compile_grammar(grammar, vocabulary, must_stop)
    with suppress(OSError):
        _write(path, json.dumps(_as_plain(compiled.machine, compiled.classes)).encode())
    return compiled


def _lattice_cached(
    grammar: Lexed, vocabulary: Vocabulary, folder: Path, must_stop: bool
) -> Compiled:
    """Of a grammar over lexemes all arrays are kept in one file."""
    path = folder / f"{content_hash(grammar, vocabulary)}.npz"
    with suppress(OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        with np.load(path, allow_pickle=False) as arrays:
            content = unpacked(dict(arrays))
        return lattice_of(content, vocabulary, must_stop, ACTIVE)
    made = compile_lexed(grammar, vocabulary, must_stop)
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=True, **packed(made.content))
    with suppress(OSError):
        _write(path, file.getvalue())
    return made


def content_hash(grammar: Grammar, vocabulary: Vocabulary) -> str:
    """What a compiled grammar is made of, as a hash."""
    rules = sorted((name, repr(node)) for name, node in grammar.rules.items())
    lexicon = ""
    if isinstance(grammar, Lexed):
        own = grammar.lexicon
        parts = own.terminals, sorted(own.ignored), own.longest, own.split, own.indent
        lexicon = repr(parts)
    made = hashlib.sha256(json.dumps([FORMAT, rules, grammar.start, lexicon]).encode())
    for text in vocabulary.tokens:
        made.update(b"\xff" * 4 if text is None else len(text).to_bytes(4, "little") + text)
    made.update(json.dumps(sorted(vocabulary.stop_ids)).encode())
    return made.hexdigest()


def _write(path: Path, content: bytes) -> None:
    """At once or not at all: others may read the folder meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, made = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(made).replace(path)


def _as_plain(machine: Machine, classes: TokenClasses) -> dict[str, Any]:
    return {
        "moves": [list(row.items()) for row in machine.moves],
        "finals": sorted(machine.finals),
        "start": machine.start,
        "class_of_byte": machine.class_of_byte,
        "class_of_token": classes.class_of_token.tolist(),
        "members": classes.members,
        "effects": classes.effects,
        "nodes": classes.nodes,
    }


def _from_plain(plain: dict[str, Any]) -> tuple[Machine, TokenClasses]:
    moves = tuple(
        {
            label: tuple(Move(pop, tuple(push), target) for pop, push, target in row)
            for label, row in state
        }
        for state in plain["moves"]
    )
    machine = Machine(
        moves, frozenset(plain["finals"]), plain["start"], tuple(plain["class_of_byte"])
    )
    return machine, TokenClasses(
        np.asarray(plain["class_of_token"], np.int32),
        tuple(map(tuple, plain["members"])),
        tuple(Effect(*effect) for effect in plain["effects"]),
        tuple(FutureNode(Operation(kind), *rest) for kind, *rest in plain["nodes"]),
    )
