"""The pages of the documentation, and the commands that stand on them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
_FOLDERS = ("", "docs", "tpu_configs", "dllm/models/tiny")
PAGES = [path for folder in _FOLDERS for path in sorted((ROOT / folder).glob("*.md"))]
_CODE = re.compile(r"```(\w*)\n(.*?)```|`([^`]+)`|((?:^    .*\n)+)", re.DOTALL | re.MULTILINE)
_OURS = re.compile(
    r"(?:^|&& ) *(?:\.venv/bin/)?(dllm|python -m benchmarks) +([a-z][^|>&]* [^|>&]*)"
)
_REMARK = re.compile(r"\s+#.*|\s{2,}\(.*")


def commands(text: str) -> list[tuple[str, str]]:
    """The commands of a page, each as (program, words); mentions are left out."""
    found = []
    for language, block, inline, indented in _CODE.findall(text):
        if language not in ("", "sh"):
            continue
        code = inline.replace("\n", " ") or (block or indented).replace("\\\n", " ")
        for line in code.splitlines():
            for program, words in _OURS.findall(_REMARK.sub("", line)):
                if "…" not in words and ("--" in words or not inline):
                    even = words.count("'") % 2 == 0  # or the whole stands in another command
                    found.append((program, words if even else words.removesuffix("'")))
    return found
