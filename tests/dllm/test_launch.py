"""Launch files: what they ask of the cloud, with a stand-in for its command line."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from benchmarks.__main__ import make_parser

FOLDER = Path(__file__).parents[2] / "tpu_configs" / "launch"
GCLOUD = """#!/usr/bin/env bash
# States of queued resources are files; a share is done when its slice is looked at the third time.
echo "$*" >>calls
case "$1 $2 $4" in
  "storage ls "*) [ -e "done-${3##*/}" ] ;;
  "compute tpus create") echo ACTIVE >"$5" ;;
  "compute tpus delete") rm "$5" ;;
  "compute tpus describe")
    [ -e "$5" ] || exit 1
    echo x >>"looks-$5"
    case "$5 $(wc -l <"looks-$5")" in
      "dllm-2 1") echo SUSPENDED ;;
      *" 3") touch "done-${5#dllm-}-of-2"; echo ACTIVE ;;
      *) cat "$5" ;;
    esac ;;
esac
"""


def _sweep(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    (folder / "gcloud").write_text(GCLOUD)
    (folder / "gcloud").chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    return subprocess.run(
        [str(FOLDER / "queued.sh")],
        cwd=folder,
        env={"PATH": path, "BUCKET": "b", "ZONE": "z", "PAUSE": "0", **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_slice_that_was_taken_back_is_asked_for_again(tmp_path: Path) -> None:
    ran = _sweep(tmp_path, SLICE="v5e-8", SHARES="2")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "share 2: SUSPENDED, asked for again",
        "all 2 shares are done",
    ]
    calls = (tmp_path / "calls").read_text().splitlines()
    created = [re.findall(r"dllm-\d", call)[0] for call in calls if " create " in call]
    deleted = [re.findall(r"dllm-\d", call)[0] for call in calls if " delete " in call]
    assert sorted(created) == sorted(deleted) == ["dllm-1", "dllm-2", "dllm-2"]
    assert any("--accelerator-type v5litepod-8 " in call and "--spot" in call for call in calls)
    assert not list(tmp_path.glob("dllm-*"))


def test_slices_that_are_no_queued_resource(tmp_path: Path) -> None:
    ran = _sweep(tmp_path, SLICE="tpu7x-8")
    assert ran.returncode == 2
    assert "SLICE must be of v4, v5e, v5p or v6e, got tpu7x-8" in ran.stderr


@pytest.mark.parametrize("name", ["worker.sh", "xpk.sh"])
def test_the_command_of_a_share_parses(name: str) -> None:
    text = (FOLDER / name).read_text().replace("\\\n", " ")
    (words,) = re.findall(r"python -m benchmarks (run .*)", text)
    words = re.sub(r"\$\(cat \S+\)|\$sweep", (FOLDER / "sweep.args").read_text(), words)
    words = words.replace("$SLICE", "v5e-8").replace("$slice", "v5e-8").replace('"', "")
    options = make_parser().parse_args(words.split())
    assert options.hardware == Path("tpu_configs/v5e-8.toml")
    assert (FOLDER.parents[1] / options.hardware).is_file()
    assert options.mirror.startswith("gs://")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_sound(path: Path) -> None:
    assert os.access(path, os.X_OK)
    subprocess.run(["bash", "-n", str(path)], check=True)
