"""From the option `grammar` of the text functions to languages of their rows."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grammar
from dllm.canvas import Layout
from dllm.forward import Constraint
from dllm.languages import Languages
from dllm.load import Model
from dllm.token_bytes import vocabulary_of
from grammar.disk import compile_cached

Grammars = grammar.Grammar | Sequence[grammar.Grammar | None] | None
"""A grammar for all rows, or one a row (`None`: that row is free)."""


def constrain_rows(
    model: Model,
    given: Grammars,
    constraint: Constraint | None,
    layouts: Sequence[Layout],
    never: Sequence[int],
    *,
    behind_prompt: bool,
) -> Constraint | Languages | None:
    """The constraint of rows; every row has a filling.

    Grammars are compiled once for a vocabulary and kept in the user's cache folder.

    Args:
        model: Whose tokens they are.
        given: The option `grammar`.
        constraint: The option `constraint`, if there is no grammar.
        layouts: The rows.
        never: Tokens that are never written.
        behind_prompt: Whether the language is about what stands behind the prompt, or about all.

    Raises:
        ValueError: both options, a number of grammars that is not the rows', or a tokenizer that is
            not byte-level.
        grammar.InfeasibleError: a row has no filling; says how many tokens it would need.
    """
    if given is None:
        return constraint
    if constraint is not None:
        raise ValueError("grammar: must be given without constraint, got both")
    of_row = [given] * len(layouts) if isinstance(given, grammar.Grammar) else list(given)
    if len(of_row) != len(layouts):
        raise ValueError(f"grammar: needs one entry a row ({len(layouts)}), got {len(of_row)}")
    unwritten = frozenset([model.specials.mask, *never])
    vocabulary = vocabulary_of(model, frozenset(model.specials.ends), unwritten)
    compiled: dict[int, Any] = {
        id(own): compile_cached(own, vocabulary, _folder()) for own in of_row if own is not None
    }
    begins = [layout.prompt if behind_prompt else 0 for layout in layouts]
    languages = Languages([compiled.get(id(own)) for own in of_row], begins)
    for row, layout in enumerate(layouts):
        try:
            languages.require(row, layout.ids)
        except grammar.InfeasibleError as error:
            raise grammar.InfeasibleError(f"row {row}: {error}") from None
    return languages


def _folder() -> Path:
    """Where compiled grammars are kept."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "dllm" / "grammars"
