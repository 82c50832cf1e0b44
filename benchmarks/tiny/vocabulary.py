"""The tiny model's tokenizer: bytes, and whole tokens for what the tasks are written in.

A byte-level BPE that takes a piece as one token wherever the vocabulary has it, whatever the merges
say. Pieces are cut so that names, digits, the symbols of a puzzle and the marks of a list stand
alone; any other text still comes back byte for byte.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from benchmarks.tasks import official, wordings
from benchmarks.tasks.names import FIRST, LAST

SIZE = 2048
MASK, END, USER, ASSISTANT = "<|mask|>", "<|endoftext|>", "<|user|>", "<|assistant|>"
SPECIALS = (MASK, END, USER, ASSISTANT)
"""The last ids of the vocabulary, in this order."""

PIECES = (
    r'", "',  # the marks of a list
    r'\["|"\]| "|"',
    r"[:,] |[:,]",
    r"\n{1,2}",
    r"\d",  # the cells of a puzzle: never with a space
    r" ?(?:\p{L}{2,}|\p{Ll})",  # words and names
    r"\p{L}",
    r" ?[^\s\p{L}\d\",:]",
    r"\s",
)

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message.role == 'user' %}<|user|>{{ message.content | trim }}"
    "{% elif message.role == 'assistant' %}<|assistant|>{{ message.content | trim }}<|endoftext|>"
    "{% else %}{{ raise_exception('role must be user or assistant, got ' ~ message.role) }}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def build() -> Tokenizer:
    """The tokenizer; the same bytes every time."""
    corpus = list(_corpus())
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    entries = dict.fromkeys([*letters, *_whole(corpus)])
    merges = []
    for pair in _trained_merges(corpus):
        if len(entries) == SIZE - len(SPECIALS):
            break
        entries["".join(pair)] = None
        merges.append(pair)
    vocabulary = {text: number for number, text in enumerate(entries)}
    made = _cut(models.BPE(vocabulary, merges, ignore_merges=True))
    made.add_special_tokens([AddedToken(text, special=True) for text in SPECIALS])
    return made


def write_tokenizer(folder: Path) -> Tokenizer:
    """Writes `tokenizer.json` and `tokenizer_config.json` in the hub's layout."""
    made = build()
    folder.mkdir(parents=True, exist_ok=True)
    made.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "eos_token": END,
        "pad_token": END,
        "mask_token": MASK,
        "chat_template": CHAT_TEMPLATE,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n", "utf-8")
    return made


def _cut(model: models.BPE) -> Tokenizer:
    """A tokenizer around a model, with this file's pieces."""
    made = Tokenizer(model)
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex("|".join(PIECES)), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    return made


def _corpus() -> Iterator[str]:
    """Every wording of one instance a task, then every name, alone and behind a space."""
    for task, template in official.TEMPLATES.items():
        fields, _ = official.shown(task)
        yield from (text.format(**fields) for text in wordings.WORDINGS[task])
        yield from official.turn(task, template)
    for listed in (FIRST, LAST):
        for name in listed:
            yield name
            yield f" {name}"


def _whole(corpus: list[str]) -> Iterator[str]:
    """The pieces of the corpus, as byte-level text."""
    cutter = _cut(models.BPE()).pre_tokenizer
    assert cutter is not None
    for text in corpus:
        for piece, _ in cutter.pre_tokenize_str(text):
            yield piece


def _trained_merges(corpus: list[str]) -> list[tuple[str, str]]:
    trainer = trainers.BpeTrainer(
        vocab_size=2 * SIZE,
        show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )
    learner = _cut(models.BPE())
    learner.train_from_iterator(corpus, trainer)
    return [(left, right) for left, right in json.loads(learner.to_str())["model"]["merges"]]
