"""Runs that are cut off, shared out, copied and put together again."""

import fnmatch
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import dllm
from benchmarks.runner.batches import Plan, make_plan
from benchmarks.runner.decode import Decoder
from benchmarks.runner.durable import Shard, locked, write_durably
from benchmarks.runner.merge import merge
from benchmarks.runner.mirror import Mirror, mirror_of
from benchmarks.runner.results import RESULTS, SAMPLES, TIMINGS
from benchmarks.runner.run import CrashedError, decode_here, decode_into, run
from benchmarks.runner.settings import choose_settings
from tests.benchmarks.subjects import Fake, questions


def plan(seed: int = 0, about: str = "fake 1") -> Plan:
    """Two settings of two batches each."""
    settings = choose_settings(["confidence"], ["tokens=2,4"]).settings
    asked = questions(24, "copy")
    subject = Fake(about=about)
    return make_plan(subject, asked, settings, suite="embedded", slots=1, seed=seed)


def decode(folder: Path, made: Plan | None = None, **options: object) -> object:
    return decode_into(folder, made or plan(), {"model": "fake"}, progress=False, **options)  # pyright: ignore[reportArgumentType]


def files(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in (RESULTS, SAMPLES)}


def parts(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "parts").iterdir())


def test_folder_and_memory_agree(tmp_path: Path) -> None:
    made = plan()
    assert len(made.batches) == 4
    here, there = decode_here(made, progress=False), decode_into(tmp_path, made, {}, progress=False)
    assert there is not None
    assert [result[:3] for result in here] == [result[:3] for result in there]
    assert [result.mean.accuracy for result in here] == [50, 50]
    timings = json.loads((tmp_path / TIMINGS).read_text())
    assert timings["occupancy"] == 1
    assert set(timings["settings"]) == {"confidence tokens=2", "confidence tokens=4"}


def test_memory_needs_no_provenance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the commit nor a digest of the weights: nobody would read them."""
    monkeypatch.delattr("benchmarks.runner.outline.versions")
    monkeypatch.delattr(Plan, "identity")
    assert len(decode_here(plan(), progress=False)) == 2


def test_a_rule_has_one_program_for_each_group() -> None:
    """Whatever its options are, and however many batches there are."""
    settings = choose_settings(["confidence"], ["tokens=2,4"]).settings
    made = make_plan(Fake(), questions(40), settings, suite="embedded", slots=2)
    assert len(made.batches) == 8
    results = decode_here(made, progress=False)
    assert sum(result.timing.programs for result in results) == len(made.groups) == 2


def test_blocks() -> None:
    """Each takes its own steps."""
    settings = choose_settings(["confidence"], ["tokens=8", "block_length=2,8"]).settings
    made = make_plan(Fake(), questions(1, "copy"), settings, suite="embedded")
    forwards = [result.samples[0].forwards for result in decode_here(made, progress=False)]
    assert forwards == [4, 1]


def test_goes_on_where_it_was_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    decode(whole)
    decode_batch = Decoder.decode

    def die(self: Decoder, batch: object) -> object:
        if batch.number == 2:  # pyright: ignore[reportAttributeAccessIssue]
            raise KeyboardInterrupt
        return decode_batch(self, batch)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(Decoder, "decode", die)
    with pytest.raises(KeyboardInterrupt):
        decode(cut)
    kept = (cut / "parts" / "000001.json").stat().st_mtime_ns
    assert parts(cut) == ["000000.json", "000001.json"]
    monkeypatch.setattr(Decoder, "decode", decode_batch)
    decode(cut)
    assert files(cut) == files(whole)
    assert (cut / "parts" / "000001.json").stat().st_mtime_ns == kept
    decode(cut)
    assert files(cut) == files(whole)


SLOW = """
import sys, time
from pathlib import Path
from benchmarks.runner import durable
from tests.benchmarks.runner.test_durable import decode

write = durable.os.fsync

def slowly(handle):
    time.sleep(0.03)
    write(handle)

durable.os.fsync = slowly
decode(Path(sys.argv[1]))
"""
"""A run whose time goes into its writes, so that it is mostly killed in one."""


def kill_at_random(folder: Path, rng: random.Random) -> bool:
    """Starts or goes on with a run and kills it; whether it was quicker."""
    before = set(folder.rglob("*"))
    process = subprocess.Popen([sys.executable, "-c", SLOW, str(folder)])
    while process.poll() is None and set(folder.rglob("*")) == before:
        time.sleep(0.005)
    time.sleep(rng.uniform(0, 0.6))
    process.kill()
    return process.wait() != -signal.SIGKILL


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_survives_being_killed(kills: int, tmp_path: Path) -> None:
    """At random moments, again and again; a run that got to its end begins anew."""
    whole, rng = tmp_path / "whole", random.Random(kills)
    decode(whole)
    cut, done = tmp_path / "0", 0
    while done < kills:
        if kill_at_random(cut, rng):
            assert files(cut) == files(whole)
            cut = tmp_path / str(int(cut.name) + 1)
        else:
            done += 1
    decode(cut)
    assert files(cut) == files(whole)
    assert parts(cut) == parts(whole)


def test_half_a_file_is_never_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_durably(path, b"first")

    def fail(handle: int) -> None:
        raise OSError("no space")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no space"):
        write_durably(path, b"second")
    assert path.read_bytes() == b"first"


def test_another_run_is_refused(tmp_path: Path) -> None:
    decode(tmp_path, plan())
    with pytest.raises(ValueError, match=r"holds a run with seed 0, got 1; use another folder"):
        decode(tmp_path, plan(seed=1))
    with pytest.raises(ValueError, match=r"holds a run with model fake 1, got fake 2"):
        decode(tmp_path, plan(about="fake 2"))


def test_one_process_a_folder(tmp_path: Path) -> None:
    with (
        locked(tmp_path, Shard()),
        pytest.raises(ValueError, match=r"run: .* must be free, got held by another run"),
    ):
        decode(tmp_path)
    with locked(tmp_path, Shard(1, 2)), locked(tmp_path, Shard(2, 2)):
        with (
            pytest.raises(ValueError, match=r"its lock is lock-2-of-2"),
            locked(tmp_path, Shard(2, 2)),
        ):
            pass
        with pytest.raises(ValueError, match=r"its lock is lock\)"), locked(tmp_path, Shard()):
            pass


def test_broken_parts_are_refused(tmp_path: Path) -> None:
    decode(tmp_path)
    part = tmp_path / "parts" / "000001.json"
    (tmp_path / "parts" / "000000.json").write_bytes(part.read_bytes())
    with pytest.raises(
        ValueError, match=r"000000.json: must be \(run, batch, samples\) .*, 0, 12\)"
    ):
        decode(tmp_path)
    (tmp_path / "parts" / "000000.json").write_text('{"run"')
    with pytest.raises(ValueError, match=r"000000.json: must be a part of a run, got a broken"):
        decode(tmp_path)


def test_shards_become_one_run(tmp_path: Path) -> None:
    decode(tmp_path / "whole")
    for number in (1, 2, 3):
        assert decode(tmp_path / str(number), shard=Shard(number, 3)) is None
    with pytest.raises(ValueError, match=r"must have all 4 batches, but lacks 1: 2"):
        merge(tmp_path / "all", [tmp_path / "1", tmp_path / "2"])
    assert len(merge(tmp_path / "all", [tmp_path / "3"])) == 2
    assert files(tmp_path / "all") == files(tmp_path / "whole")
    decode(tmp_path / "other", plan(seed=1))
    with pytest.raises(ValueError, match="holds a run with seed 1, got 0"):
        merge(tmp_path / "all", [tmp_path / "other"])
    with pytest.raises(
        ValueError, match=r"must be the folder of a run, but run\.json is not there"
    ):
        merge(tmp_path / "empty")
    assert not (tmp_path / "empty").exists()


@pytest.mark.parametrize("shards", [1, 2, 4])
def test_any_number_of_shards(shards: int, tmp_path: Path) -> None:
    """The files are the same to the byte."""
    decode(tmp_path / "whole")
    folders = [tmp_path / str(number) for number in range(1, shards + 1)]
    for number, folder in enumerate(folders, 1):
        decode(folder, shard=Shard(number, shards))
    merge(tmp_path / "all", folders)
    assert files(tmp_path / "all") == files(tmp_path / "whole")


def test_shards_may_share_a_folder(tmp_path: Path) -> None:
    decode(tmp_path / "whole")
    assert decode(tmp_path / "both", shard=Shard(2, 2)) is None
    assert decode(tmp_path / "both", shard=Shard(1, 2)) is not None
    assert files(tmp_path / "both") == files(tmp_path / "whole")


def test_a_fresh_machine_goes_on_with_the_mirror(tmp_path: Path) -> None:
    whole, first, second = (tmp_path / name for name in ("whole", "first", "second"))
    decode(whole)
    decode(first, shard=Shard(1, 2), mirror=Mirror(first, tmp_path / "mirror"))
    assert parts(tmp_path / "mirror") == ["000000.json", "000002.json"]
    before = (tmp_path / "mirror" / "parts" / "000002.json").stat().st_mtime_ns
    decode(second, mirror=Mirror(second, tmp_path / "mirror"))
    assert files(second) == files(tmp_path / "mirror") == files(whole)
    assert (tmp_path / "mirror" / "parts" / "000002.json").stat().st_mtime_ns == before
    other = tmp_path / "other"
    with pytest.raises(ValueError, match=r"mirror holds a run with seed 0, got 1"):
        decode(other, plan(seed=1), mirror=Mirror(other, tmp_path / "mirror"))


class Bucket:
    """What is used of an `epath.Path`: files by name, in memory."""

    def __init__(self, files: dict[str, bytes], name: str) -> None:
        self._files, self._full = files, name
        self.name = name.rpartition("/")[2]

    def __truediv__(self, name: str) -> "Bucket":
        return Bucket(self._files, f"{self._full}/{name}")

    def __lt__(self, other: "Bucket") -> bool:
        return self._full < other._full

    def __str__(self) -> str:
        return self._full

    def is_file(self) -> bool:
        return self._full in self._files

    def mkdir(self, parents: bool, exist_ok: bool) -> None:
        assert parents
        assert exist_ok

    def glob(self, pattern: str) -> list["Bucket"]:
        wanted = f"{self._full}/{pattern}"
        return [Bucket(self._files, n) for n in self._files if fnmatch.fnmatchcase(n, wanted)]

    def read_bytes(self) -> bytes:
        return self._files[self._full]

    def read_text(self, encoding: str) -> str:
        return self.read_bytes().decode(encoding)

    def write_bytes(self, content: bytes) -> None:
        self._files[self._full] = content


def test_a_fresh_machine_goes_on_with_a_bucket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[str, bytes] = {}
    monkeypatch.setattr("etils.epath.Path", lambda address: Bucket(kept, address))
    whole, first, second = (tmp_path / name for name in ("whole", "first", "second"))
    decode(whole)
    decode(first, shard=Shard(1, 2), mirror=mirror_of(first, "gs://there/run"))
    assert sorted(kept) == [
        *("gs://there/run/parts/000000.json", "gs://there/run/parts/000002.json"),
        *("gs://there/run/questions.jsonl", "gs://there/run/run.json"),
    ]
    decode(second, mirror=mirror_of(second, "gs://there/run"))
    assert files(second) == files(whole)
    assert kept["gs://there/run/samples.jsonl"] == (whole / SAMPLES).read_bytes()
    other = tmp_path / "other"
    with pytest.raises(ValueError, match=r"gs://there/run holds a run with seed 0, got 1"):
        decode(other, plan(seed=1), mirror=mirror_of(other, "gs://there/run"))


def test_mirrors_that_cannot_be_had(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"--mirror: .*file/there must be at hand, got"):
        decode(tmp_path / "run", mirror=mirror_of(tmp_path / "run", str(tmp_path / "file/there")))


def test_folders_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"--out: must be a folder that can be written, got .*run"):
        decode(tmp_path / "file" / "run")


@dllm.scheduler
class Crashes:
    """A rule with a mistake."""

    def init(self, canvas: Any) -> Any:
        return ()

    def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Any:
        raise ZeroDivisionError("of no use")


def test_a_rule_that_fails_leaves_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = [dllm.rule("confidence", tokens=2), Crashes(), dllm.rule("confidence", tokens=4)]
    settings = choose_settings(rules).settings
    made = make_plan(Fake(), questions(2, "copy"), settings, suite="embedded", slots=1)
    for go in (lambda: decode_here(made, progress=False), lambda: decode(tmp_path, made)):
        with pytest.raises(
            CrashedError, match=r"1 of the settings failed .*ZeroDivisionError: of n"
        ) as error:
            go()
        assert [result.rule for result in error.value.results] == [
            settings[0].rule,
            settings[2].rule,
        ]
    assert "in update" in capsys.readouterr().err
    told = json.loads((tmp_path / RESULTS).read_text())
    assert told["failed"] == {settings[1].name: "ZeroDivisionError: of no use"}
    assert len(told["settings"]) == 2


def test_from_python(tmp_path: Path) -> None:
    options = {"suite": "embedded", "tasks": ["copy"], "limit": 12, "batch": 1, "progress": False}
    results = run(Fake(), ["confidence"], ["tokens=2,4"], out=tmp_path, **options)  # pyright: ignore[reportArgumentType]
    assert [result.name for result in results] == ["confidence tokens=2", "confidence tokens=4"]
    assert json.loads((tmp_path / RESULTS).read_text())["settings"][1]["mean_accuracy"] == 50
    assert [r.mean for r in run(Fake(), ["confidence"], ["tokens=2,4"], **options)] == [  # pyright: ignore[reportArgumentType]
        result.mean for result in results
    ]
