"""The throughput benchmark at toy sizes: what it counts and compares, not how fast it is."""

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dllm
from benchmarks import __main__ as command_line
from benchmarks import cached
from benchmarks.agreement import TIE, Agreement, compare, is_tie
from benchmarks.contenders import Loop, Peer, Work
from benchmarks.plan import make_plan, shape
from benchmarks.random_network import random_network
from dllm.hardware import read_hardware
from dllm.load import DTYPES

CONFIGS = Path(__file__).parents[2] / "tpu_configs"
TINY = ["--preset", "llada-1m", "--prompt", "16", "--gen", "16", "--block", "8", "--matmul", "64"]
RUN = {
    *("batch", "length", "tokens", "compile_s", "decode_s", "ms_per_step", "model_ms"),
    *("outside_ms", "outside_share", "tokens_per_s", "tflop_per_step", "tflops"),
    *("matmul_tflops", "of_matmul", "copy_gb_per_s", "least_ms_by_matmul", "least_ms_by_copy"),
    *("peer", "turns_ms"),
}


def run(arguments: list[str], folder: Path) -> dict[str, Any]:
    out = folder / "results" / "figures.json"
    command_line.main(["throughput", *TINY, *arguments, "--out", str(out)])
    return json.loads(out.read_text())


def test_counts_and_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--batch", "1", "2", "--steps", "5", "--turn", "3", "--no-peer"]
    options += ["--hardware", str(CONFIGS / "cpu_1.toml")]
    figures = run(options, tmp_path)
    assert "outside, share" in capsys.readouterr().out
    about = {"preset": "llada-1m", "dtype": "float32", "steps": 5, "parameters": 984_192}
    about |= {"hardware": "cpu_1", "mesh": [1, 1]}
    assert about.items() <= figures.items()
    assert figures["peak_mib"]["resident"] > 0
    assert figures["attention"]["max_difference"] < 1e-4
    assert figures["caches"] == []
    assert [run["batch"] for run in figures["runs"]] == [1, 2]
    for run_figures in figures["runs"]:
        assert set(run_figures) == RUN
        assert run_figures["peer"] is None
        assert run_figures["length"] == 32
        assert run_figures["tokens"] == 5 * run_figures["batch"]
        assert {len(turns) for turns in run_figures["turns_ms"].values()} == {2}
        rate = run_figures["tflop_per_step"] / run_figures["ms_per_step"] * 1e3
        assert run_figures["tflops"] == pytest.approx(rate)


@pytest.mark.slow
def test_half_precision_and_several_tokens_a_step(tmp_path: Path) -> None:
    options = ["--batch", "1", "--dtype", "bfloat16", "--tokens-per-step", "4"]
    options += ["--cache", "prefix", "dual"]
    figures = run(options, tmp_path)
    assert figures["steps"] == 4
    assert [found["kind"] for found in figures["caches"]] == ["prefix", "dual"]
    assert not figures["peer"]
    assert figures["runs"][0]["tokens"] == 16


def test_steps_over_a_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "TURNS", 3)  # more than a decode has blocks
    work = tiny_work(per_step=2)
    found = cached.measure(work, "dual")
    config, batch = work.config, work.batch
    numbers = 2 * config.layers * config.kv_heads * config.head_dim * work.plan.length * batch
    assert found["cache_mib"] == pytest.approx(4 * numbers / 2**20, rel=0.01)
    whole = found["full_ms"] + 3 * found["block_ms"]
    assert found["tokens_per_s"] == pytest.approx(8e3 * batch / whole)
    assert {len(turns) for turns in found["turns_ms"].values()} == {3}


def test_turns_write_what_one_decode_writes() -> None:
    work = tiny_work()
    loop = Loop(work)
    for steps in (3, 3, 2):
        loop(steps)
    np.testing.assert_array_equal(loop.canvas, work.decode(8).canvas)
    assert loop.tokens == 2 * 8


def test_random_network_is_of_the_shape_and_scale() -> None:
    config, specials = shape("llada-1m")
    network = random_network(config, specials.mask, jnp.bfloat16)
    leaves = jax.tree.leaves(network.state)
    assert sum(leaf.size for leaf in leaves) == config.parameters
    assert {leaf.dtype for leaf in leaves} == {jnp.dtype(jnp.bfloat16)}
    canvas = jnp.full((1, 8), dllm.MASK)
    logits = network.logits(canvas, jnp.zeros(1, jnp.int32), 8)
    assert 0.5 < float(jnp.std(logits)) < 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"block": 5, "gen": 16}, "block must divide gen"),
        ({"block": 8, "per_step": 3}, "tokens-per-step divide block"),
        ({"gen": 32, "steps": 33}, r"steps must be in \[1, 32\].*got 33"),
        ({"prompt": 600, "preset": "llada-1m"}, "prompt .* gen must be at most 512"),
        ({"batches": (0,)}, "batch must be at least 1, got 0"),
        ({"per_step": 0}, "tokens-per-step must be at least 1"),
        (
            {"block": 8, "gen": 16, "per_step": 8, "caches": ("dual",)},
            "a block must take two steps at least, got block 8 and tokens-per-step 8",
        ),
        ({"peer": True, "dtype": "bfloat16"}, "--peer needs"),
        ({"preset": "gone"}, "preset: must be one of"),
    ],
)
def test_refuses(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_plan(**options)


def test_other_devices_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(["--hardware", str(CONFIGS / "h200_1.toml")], tmp_path)
    assert "h200_1 is 1 gpu devices, got platform cpu" in capsys.readouterr().err


def test_the_mesh_is_the_files() -> None:
    plan = make_plan("llada-8b", hardware=read_hardware(CONFIGS / "v5e-8.toml"))
    assert (plan.hardware, plan.mesh, plan.devices) == ("v5e-8", (1, 8), 8)
    with pytest.raises(ValueError, match="--peer needs"):
        make_plan(hardware=read_hardware(CONFIGS / "v5e-8.toml"), dtype="float32", peer=True)


def test_a_smaller_preset_has_the_published_sizes_too() -> None:
    config, _ = shape("llada-300m")
    assert 0.29e9 < config.parameters < 0.31e9
    plan = make_plan("llada-300m")
    assert (plan.dtype, plan.length, plan.caches) == ("float32", 768, ("prefix", "dual"))


def test_large_preset_has_the_published_sizes() -> None:
    plan = make_plan("llada-8b")
    assert (plan.dtype, plan.batches, plan.length, plan.steps) == ("bfloat16", (1, 8), 768, 32)
    assert not plan.peer
    assert (plan.caches, plan.per_step) == (("prefix", "dual"), 4)


def test_differences_are_ties_or_not() -> None:
    before = np.array([-1, -1, -1])
    first, second = np.array([2, -1, -1]), np.array([-1, 2, -1])
    logits = np.zeros((3, 4))
    logits[:, 2] = [3.0, 3.0, 2.0]
    assert is_tie(logits, before, first, second)
    logits[1, 2] += 100 * TIE
    assert not is_tie(logits, before, first, second)
    assert not is_tie(logits, before, first, np.array([1, -1, -1]))
    logits[0, 1] = logits[0, 2]
    assert is_tie(logits, before, first, np.array([1, -1, -1]))


def test_counts_rows_that_differ() -> None:
    ours = np.array([[[-1, -1]] * 3, [[0, -1]] * 3])
    theirs = ours.copy()
    theirs[1, 1] = [-1, 0]
    theirs[1, 2] = [1, -1]
    logits = np.array([[[1.0, 0.0], [1.0, 0.0]]])
    assert compare(ours, theirs, lambda _: logits) == Agreement(3, 2, 1)
    assert not Agreement(3, 2, 1).explained


def tiny_work(per_step: int = 1) -> Work:
    plan = make_plan("llada-1m", prompt=16, gen=16, block=8, per_step=per_step, matmul=64)
    config, specials = shape(plan.preset)
    return Work(plan, random_network(config, specials.mask, DTYPES["float32"]), config, specials, 2)


@pytest.mark.parametrize("per_step", [1, 4])
def test_parity_with_a_torch_loop(per_step: int) -> None:
    pytest.importorskip("torch", reason="needs PyTorch (extra peers)")
    work = tiny_work(per_step)
    peer = Peer(work)
    assert peer.logit_difference < 2e-5
    peer(work.plan.schedule)
    agreement = peer.agreement(np.asarray(work.decode(work.plan.schedule).canvas))
    assert agreement == Agreement(2, 0, 0)


def test_peer_goes_back_to_the_steps_where_canvases_differ() -> None:
    pytest.importorskip("torch", reason="needs PyTorch (extra peers)")
    work = tiny_work()
    peer = Peer(work)
    peer(work.plan.schedule)
    assert peer.agreement(np.zeros((2, 32), np.int32)) == Agreement(2, 0, 0)


def test_reports_no_ratio_where_tokens_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="needs PyTorch (extra peers)")
    options = ["--batch", "2", "--steps", "4", "--peer"]
    agreed = run(options, tmp_path)["runs"][0]["peer"]
    assert (agreed["rows"], agreed["rows_that_differ"]) == (2, 0)
    assert agreed["ratio"] > 0
    monkeypatch.setattr(Peer, "agreement", lambda *_: Agreement(2, 1, 0))
    assert run(options, tmp_path)["runs"][0]["peer"]["ratio"] is None
    assert "refused" in capsys.readouterr().out
