"""`python -m tests.parity make FOLDER`: a tiny checkpoint of every family, with its logits."""

import argparse
from pathlib import Path

from tests.parity.make import record, write
from tests.parity.peers import difference
from tests.parity.shapes import all_shapes

CLOSE, TIED = 2e-5, 1e-4


def main() -> None:
    """Makes them and, with the extra `parity`, holds the logits against `transformers`."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity", description=__doc__)
    parser.add_argument("command", choices=["make"])
    parser.add_argument("folder", type=Path, nargs="?", default=Path("out/parity"))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for name, raw in all_shapes().items():
        folder = write(options.folder / name, raw, options.seed)
        record(folder, options.seed)
        apart = difference(folder)
        if apart is not None and apart > (TIED if raw.get("tie_word_embeddings") else CLOSE):
            raise SystemExit(f"{name}: transformers' logits differ by {apart:.1e}")
        print(name, "" if apart is None else f"transformers: {apart:.1e}")


if __name__ == "__main__":
    main()
