"""The plan of a run: groups, batches, what makes two runs the same."""

from pathlib import Path

import jax
import numpy as np
import pytest

import dllm
from benchmarks.report.trace import trace
from benchmarks.runner.batches import FULL, Plan, make_plan
from benchmarks.runner.durable import Shard, parse_shard
from benchmarks.runner.numerics import proposal_of
from benchmarks.runner.progress import Clock, in_words
from benchmarks.runner.schedules import scheduler_of
from benchmarks.runner.settings import choose_settings, files_in_words
from benchmarks.runner.subject import Checkpoint
from benchmarks.runner.versions import version
from dllm.models import dream, llada
from samplers import MASK
from tests.benchmarks.subjects import Fake, questions, random_model


def plan(count: int = 6, slots: int = 2, seed: int = 0, *tasks: str) -> Plan:
    settings = choose_settings(["confidence"], ["tokens=1,2"]).settings
    asked = questions(count, *tasks)
    return make_plan(Fake(), asked, settings, suite="embedded", slots=slots, seed=seed)


def test_every_setting_decodes_every_example_once() -> None:
    made = plan(40)
    for setting in (0, 1):
        listed = [i for b in made.batches if b.setting == setting for i in b.questions]
        assert sorted(listed) == list(range(80))
    assert [batch.number for batch in made.batches] == list(range(len(made.batches)))


def test_groups_are_of_one_canvas_length() -> None:
    made = plan(40)
    assert [(group.positions, group.length) for group in made.groups] == [(8, 11), (8, 28)]
    assert [len(group.questions) for group in made.groups] == [40, 40]


@pytest.mark.parametrize(
    ("count", "sizes"), [(2, [2]), (32, [32]), (33, [16, 17]), (71, [24, 24, 23])]
)
def test_batches_are_whole_rounds(count: int, sizes: list[int]) -> None:
    """As many rows as slots, again and again: only the last round of all leaves slots empty."""
    made = plan(count, 2, 0, "copy")
    assert FULL == 16
    assert [len(batch.questions) for batch in made.batches if batch.setting == 0] == sizes


def test_example_has_its_own_seed() -> None:
    made = plan(3, 2, 7, "copy", "sort")
    assert [layout.seed for layout in made.layouts] == [7, 8, 9, 7, 8, 9]


def test_identity() -> None:
    same, other = plan(), plan(seed=1)
    assert plan().digest == same.digest != other.digest
    assert plan(5).identity["asked"] != same.identity["asked"]
    assert same.identity["version"] == version()
    assert version().startswith("dllm ")


def test_official_runs_are_fixed() -> None:
    """Temperature, blocks, and no row ends before its last position is written."""
    fake = Fake(ends=(3,))
    settings = choose_settings(["confidence"], ["block_length=4"]).settings
    with pytest.raises(ValueError, match=r"suite: official decodes an answer as one block, got 'c"):
        make_plan(fake, questions(1), settings, suite="official")
    with pytest.raises(ValueError, match=r"suite: official is decoded at temperature 0, got 0\.5"):
        make_plan(fake, questions(1), settings, suite="official", temperature=0.5)
    own = choose_settings(["factor"]).settings
    with pytest.raises(ValueError, match=r"the published factor rule, factor_published, got 'fact"):
        make_plan(fake, questions(1), own, suite="official")
    swept = choose_settings(["dus"], ["block_length=4"]).settings
    made = make_plan(fake, questions(1), swept, suite="official")
    assert (made.ends, made.identity["early_stop"]) == ((), False)
    assert make_plan(fake, questions(1), settings, suite="embedded").ends == (3,)


def test_official_dream_goes_by_its_schedule() -> None:
    """eps 0 and L / k steps: in float32 a step writes a token less, and the last one more."""
    fake, count = Fake(schedule_end=0.0, positions=32), questions(1)
    rules = ["random", "left_to_right", "confidence", "entropy", "margin"]
    chosen = choose_settings(rules, ["tokens=1,2"]).settings
    made = make_plan(fake, count, chosen, suite="official")
    assert made.identity["schedule_end"] == 0.0
    for setting, plain in zip(made.settings, chosen, strict=True):
        assert scheduler_of(made.protocol, setting, 32) != plain.scheduler
    written = np.diff((trace(made).canvases == MASK).sum(1)) * -1
    assert (len(written), sorted(written), written[-1]) == (32, [0, *[1] * 30, 2], 2)
    own = make_plan(fake, count, chosen, suite="embedded")
    assert scheduler_of(own.protocol, chosen[0], 32) is chosen[0].scheduler
    three = choose_settings(["entropy"], ["tokens=3"]).settings
    with pytest.raises(ValueError, match=r"tokens: must divide the 32 positions .*, got 3"):
        make_plan(fake, count, three, suite="official")


def test_schedule_ends_by_name() -> None:
    ends = [dream.FAMILY.schedule_end(name) for name in ("Dream-v0-Instruct-7B", "DiffuCoder-7B")]
    assert [*ends, llada.FAMILY.schedule_end("LLaDA-1.5")] == [0.0, 1e-12, None]


def test_numerics_of_the_site() -> None:
    """A threshold as bfloat16 holds it, under its own name; float64 methods are read exactly."""
    chosen = choose_settings(["threshold", "klass"], ["threshold=0.9"], ids={"vocab": 8}).settings
    made = make_plan(Fake(), questions(1), chosen, suite="embedded", numerics="site")
    rounded, exact = (proposal_of(made.protocol, setting) for setting in made.settings)
    assert (rounded.rounding, exact.rounding) == ("bfloat16", "none")
    assert [setting.name for setting in made.settings] == [setting.name for setting in chosen]
    assert 0.8984375 in jax.tree.leaves(made.settings[0].scheduler)
    assert made.identity["numerics"] == "site"
    with pytest.raises(ValueError, match="--numerics: must be one of float32, site, got 'bf16'"):
        make_plan(Fake(), questions(1), chosen, suite="embedded", numerics="bf16")


def test_refuses() -> None:
    with pytest.raises(ValueError, match="batch: must be at least 1, got 0"):
        plan(slots=0)
    with pytest.raises(ValueError, match="run: must have examples, got none"):
        make_plan(Fake(), [], choose_settings(["confidence"]).settings, suite="embedded")
    halves = choose_settings(["confidence"], ["block_length=3"]).settings
    with pytest.raises(ValueError, match=r"block_length: must divide the 8 positions .*, got 3"):
        make_plan(Fake(), questions(1), halves, suite="embedded")
    with pytest.raises(ValueError, match="run: must have settings, got none"):
        make_plan(Fake(), questions(1), [], suite="embedded")


def test_settings() -> None:
    chosen = choose_settings(["threshold", dllm.rule("entropy")], ["threshold=0.5,0.9"])
    names = [setting.name for setting in chosen.settings]
    assert names[:2] == ["threshold threshold=0.5", "threshold threshold=0.9"]
    assert "Entropy" in names[2]
    with pytest.raises(ValueError, match="each setting may be run once, got 'entropy' twice"):
        choose_settings(["entropy", "entropy"])
    with pytest.raises(ValueError, match="published grids go by the names of rules, got"):
        choose_settings([dllm.rule("entropy")], published=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "import nothing_of_this_name",
            r"scheduler: .*mine\.py:1 failed to import: ModuleNotFound",
        ),
        ("class Rule:\n    pass", r"mine\.py:Rule: must be a scheduler"),
        (
            "import dllm\n@dllm.scheduler\nclass Rule:\n    least: int = 1\n"
            "    def __post_init__(self):\n        len(self.least)\n"
            "    def update(self, key, state, canvas, prediction, place):\n        pass\n",
            r"mine\.py:Rule: object of type 'int' has no len",
        ),
    ],
)
def test_files_that_are_wrong_are_named(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(ValueError, match=message):
        choose_settings(["confidence", f"{tmp_path}/mine.py:Rule"], ["tokens=1"])


def test_own_mistakes_are_not_taken_for_those_of_files() -> None:
    with pytest.raises(TypeError, match="of ours"), files_in_words(["confidence"]):
        raise TypeError("of ours")


def test_published_grids() -> None:
    chosen = choose_settings(["threshold", "factor_published"], published=True)
    assert [setting.options for setting in chosen.settings] == [
        *({"threshold": value} for value in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)),
        *({"factor": value} for value in (0.7, 1.0, 1.3, 1.6, 1.9)),
    ]
    everything = choose_settings(["leaderboard"], published=True, ids={"vocab": 8})
    left_out = [text.partition(":")[0] for text in everything.left_out]
    assert len(everything.settings) + len(left_out) >= 41
    assert set(left_out) <= {"klass", "slowfast", "dus", "wino"}


def test_block_length_is_for_every_rule() -> None:
    chosen = choose_settings(["confidence", "entropy"], ["block_length=4,8", "tokens=2"])
    assert [(setting.name, setting.block) for setting in chosen.settings] == [
        (f"{rule} tokens=2 block_length={block}", block)
        for rule in ("confidence", "entropy")
        for block in (4, 8)
    ]
    with pytest.raises(ValueError, match=r"--set: block_length must be a whole .*, got 0\.5"):
        choose_settings(["confidence"], ["block_length=0.5"])


def test_drafts_and_caches_are_for_every_rule() -> None:
    chosen = choose_settings(["confidence"], ["drafts=1,4", "tokens=2", "cache=dual"]).settings
    assert [(setting.name, setting.drafts, setting.cache) for setting in chosen] == [
        (f"confidence tokens=2 drafts={drafts} cache=dual", drafts, "dual") for drafts in (1, 4)
    ]
    with pytest.raises(ValueError, match=r"--set: drafts must be a whole number from 1 on, got 0"):
        choose_settings(["confidence"], ["drafts=0"])
    with pytest.raises(ValueError, match=r"--set: cache must be one of none, .*, got 'both'"):
        choose_settings(["confidence"], ["cache=both"])
    with pytest.raises(ValueError, match="suite: official is decoded without a cache, got 'conf"):
        make_plan(Fake(), questions(1), chosen, suite="official")


@pytest.mark.parametrize("text", ["", "3", "0/8", "9/8", "a/8", "3/", "-1/2"])
def test_shards_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"--shard: must be i/n .*got '{text}'"):
        parse_shard(text)


def test_shards_share_out() -> None:
    assert str(parse_shard("3/8")) == "3/8"
    assert [n for n in range(20) if Shard(3, 8).has(n)] == [2, 10, 18]


def test_time_left() -> None:
    """From batches that are alike, and from all others where there are none."""
    made = plan(40)
    first, second, *rest = made.batches
    clock = Clock(list(made.batches))
    assert clock.seconds == 0
    clock.done(first, len(first.questions) * 2.0)
    clock.done(second, len(second.questions) * 2.0)
    assert clock.seconds == pytest.approx(2.0 * sum(len(batch.questions) for batch in rest))


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (59.7, "1:00 min"), (185, "3:05 min"), (7800, "2:10 h")]
)
def test_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_checkpoint_needs_a_chat_template(tmp_path: Path) -> None:
    import dataclasses

    bare = dataclasses.replace(random_model(), chat=None)
    with pytest.raises(ValueError, match="has no chat template, and questions are conversations"):
        Checkpoint(bare).prompt(questions(1)[0].example)
