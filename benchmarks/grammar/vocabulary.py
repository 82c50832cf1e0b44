"""A made-up vocabulary that is as large as a public one and has its profile of lengths."""

from collections.abc import Iterable

import numpy as np

from grammar import Vocabulary

SIZE = 131_072

LENGTHS = {2: 3, 3: 8, 4: 12, 5: 13, 6: 14, 7: 13, 8: 11, 9: 9, 10: 6, 11: 4, 12: 3, 14: 2, 16: 2}
"""Percent of the tokens by length in bytes, as in byte-level vocabularies of this size."""

KINDS = {"word": 78, "accented": 12, "mark": 6, "space": 1, "digits": 3}
"""Percent of the tokens by what they are made of. Tokens of JSON's marks are among them."""

MARKS = b"{}[]\",:.-_()<>=+*/\\'!?;#&|@$%^~` \n"
JSON = '{" "} {} [] [" "] ": ", "," ":" ":[ ":{" "]} }, }] ]] ]}, },{ },{" [[ [{" null true false'


def made_vocabulary(size: int = SIZE, seed: int = 0, texts: Iterable[str] = ()) -> Vocabulary:
    """All bytes, `texts`, then random letters, marks, spaces and digits; the last one stops."""
    rng = np.random.default_rng(seed)
    tokens = dict.fromkeys(bytes([byte]) for byte in range(256))
    tokens |= dict.fromkeys(text.encode() for text in JSON.split(" "))
    tokens |= dict.fromkeys(text.encode() for text in texts)
    tokens |= dict.fromkeys(str(number).encode() for number in range(1000))
    number = 2 * size
    lengths = rng.choice(list(LENGTHS), p=_shares(LENGTHS), size=number)
    kinds = rng.choice(list(KINDS), p=_shares(KINDS), size=number)
    letters = rng.integers(97, 123, (number, max(LENGTHS)), np.uint8)
    letters[:, 0] = np.where(rng.random(number) < 0.5, ord(" "), letters[:, 0])
    marks = np.frombuffer(MARKS, np.uint8)[rng.integers(0, len(MARKS), (number, 4))]
    points = rng.integers(0xC0, 0x3000, (number, max(LENGTHS) // 2))
    for i, (length, kind) in enumerate(zip(lengths.tolist(), kinds.tolist(), strict=True)):
        if len(tokens) == size - 1:
            break
        if kind == "accented":  # may end inside a character
            tokens["".join(map(chr, points[i])).encode()[:length]] = None
        elif kind == "space":
            tokens[b"\n"[: i % 2] + b" " * length] = None
        elif kind == "mark":
            tokens[marks[i, :length].tobytes()] = None
        elif kind == "digits":
            tokens[bytes(48 + letters[i, :length] % 10)[:3]] = None
        else:
            tokens[letters[i, :length].tobytes()] = None
    return Vocabulary([*tokens, None], frozenset({len(tokens)}))


def _shares(percents: dict) -> np.ndarray:
    shares = np.asarray(list(percents.values()), np.float64)
    return shares / shares.sum()
