"""The command line as a user meets it."""

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import pytest

import dllm
from dllm.cli.__main__ import main
from dllm.cli.failures import INTERRUPTED
from dllm.cli.options import Printer
from dllm.models.random import preset, preset_names
from tests import checkpoints

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(checkpoints.make(tmp_path_factory.mktemp("cli") / "small"))


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Programs of tests are not kept among the user's."""
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "programs"))
    yield
    jax.config.update("jax_compilation_cache_dir", None)


SHORT = ["--length", "8", "--temperature", "1"]


def test_generate_prints_texts_and_figures(folder: str, capsys: Capture) -> None:
    assert main(["generate", "one", "two", "--model", folder, *SHORT]) == 0
    out, err = capsys.readouterr()
    assert out
    assert "1: one" in err
    assert "tokens a step, seed 1" in err
    assert main(["generate", "one", "two", "--model", folder, *SHORT, "--quiet"]) == 0
    assert capsys.readouterr() == (out, "")


def test_json_lines_are_in_order(folder: str, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("two\n\nthree ä\n")
    arguments = ["generate", "one", "--model", folder, *SHORT, "--file", str(file), "--json"]
    assert main([*arguments, "--scheduler", "factor", "--set", "factor=2", "--drafts", "2"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["input"] for line in lines] == ["one", "two", "three ä"]
    assert [line["index"] for line in lines] == [0, 1, 2]
    assert all(line["forwards"] >= 1 and line["outcome"] for line in lines)


def test_watching_changes_nothing(folder: str, capsys: Capture) -> None:
    plain, watched = [], []
    for extra, into in (([], plain), (["--watch"], watched)):
        assert main(["generate", "a", "b", "--model", folder, *SHORT, "--quiet", *extra]) == 0
        into.append(capsys.readouterr().out)
    assert plain == watched


def test_stop_strings_may_be_of_any_script(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, Any] = {}
    monkeypatch.setattr(dllm, "generate", lambda *_, **options: told.update(options))
    assert main(["generate", "x", "--model", folder, "--stop", r"é\n\n", "--stop", "終"]) == 0
    assert told["stop"] == ["é\n\n", "終"]


TUNED = """
[chosen]
scheduler = "confidence"
options = { tokens = 4, block_length = 8, drafts = 3, cache = "dual" }
"""


def test_how_it_is_drafted(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, Any] = {}
    for name in ("generate", "infill"):
        monkeypatch.setattr(dllm, name, lambda *_, **options: told.update(options))
        command = [name, "x{{4}}", "--model", folder]
        assert main(command) == 0
        assert [told[key] for key in ("drafter", "accept", "eager")] == ["own", "exact", False]
        drafted = ["--drafts", "4", "--drafter", "published", "--accept", "subset", "--eager"]
        assert main([*command, *drafted]) == 0
        keys = ("num_drafts", "drafter", "accept", "eager")
        assert [told[key] for key in keys] == [4, "published", "subset", True]


@pytest.mark.parametrize("name", ["generate", "infill"])
def test_what_rules_see(name: str, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, Any] = {}
    monkeypatch.setattr(dllm, name, lambda *_, **options: told.update(options))
    assert main([name, "x{{4}}", "--model", folder]) == 0
    assert told["scores"] == "raw"
    assert main([name, "x{{4}}", "--model", folder, "--scores", "unmasked"]) == 0
    assert told["scores"] == "unmasked"


def test_a_tuned_rule(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its file; the command line may still change the block."""
    told: dict[str, Any] = {}
    monkeypatch.setattr(dllm, "generate", lambda *_, **options: told.update(options))
    (tmp_path / "tuned.toml").write_text(TUNED)
    command = ["generate", "x", "--model", folder, "--config", str(tmp_path / "tuned.toml")]
    assert main(command) == 0
    assert (told["scheduler"], told["block_length"]) == (dllm.rule("confidence", tokens=4), 8)
    assert (told["num_drafts"], told["cache"]) == (3, "dual")
    assert main([*command, "--refresh", "2"]) == 0
    assert told["cache"] == dllm.Cache("dual", refresh=2)
    assert main([*command, "--block", "4", "--drafts", "1", "--cache", "none"]) == 0
    assert (told["block_length"], told["num_drafts"], told["cache"]) == (4, 1, "none")


@pytest.mark.parametrize(
    ("text", "more", "message"),
    [
        (TUNED, ["--set", "tokens=2"], "names the rule and its options; leave out --set"),
        (TUNED, ["--scheduler", "margin"], "names the rule and its options; leave out --scheduler"),
        ("[chosen]", [], "must be TOML with scheduler and options in [chosen]"),
        ("chosen", [], "must be TOML with scheduler and options in [chosen]"),
    ],
)
def test_tuned_rules_are_refused(
    text: str, more: list[str], message: str, folder: str, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "tuned.toml").write_text(text)
    command = ["generate", "x", "--model", folder, "--config", str(tmp_path / "tuned.toml")]
    assert main([*command, *more]) == 2
    assert message in capsys.readouterr().err


def test_infill(folder: str, capsys: Capture) -> None:
    assert main(["infill", "The {{4}} sat", "--model", folder, "--json", "--watch"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert line["text"] == f"The {line['holes'][0]} sat"


def test_info(folder: str, capsys: Capture) -> None:
    assert main(["info", folder, "--batch", "4", "--length", "64", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["shape"]["layers"] == 2
    assert facts["special_ids"] == {"mask": 300, "eos": 301, "pad": 301}
    assert facts["weights_bytes"] == 4 * facts["parameters"]
    assert facts["total_bytes"] == facts["weights_bytes"] + facts["work_bytes"]
    assert facts["recommended"]["block_length"] == 32
    assert main(["info", folder]) == 0
    assert "special ids" in capsys.readouterr().out


def test_init_random_makes_what_loads(tmp_path: Path, capsys: Capture) -> None:
    target = str(tmp_path / "new" / "toy")
    assert main(["init-random", target, "--preset", "llada-1m", "--seed", "3"]) == 0
    assert capsys.readouterr().out.strip() == target
    assert main(["info", target, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["dtypes"] == ["bfloat16"]
    assert main(["init-random", "--list"]) == 0
    assert capsys.readouterr().out.split() == preset_names()


def test_presets_are_the_public_shapes() -> None:
    shape = preset("llada-8b")
    assert (shape["n_layers"], shape["d_model"], shape["embedding_size"]) == (32, 4096, 126464)


def test_compiled_programs_are_kept(folder: str, tmp_path: Path) -> None:
    cache = tmp_path / "own"
    arguments = ["generate", "x", "--model", folder, "--length", "4", "--quiet"]
    assert main([*arguments, "--compile-cache", str(cache)]) == 0
    assert jax.config.values["jax_compilation_cache_dir"] == str(cache)
    jax.config.update("jax_compilation_cache_dir", None)
    assert main([*arguments, "--no-compile-cache"]) == 0
    assert jax.config.values["jax_compilation_cache_dir"] is None


@pytest.mark.parametrize("command", ["generate", "infill", "info", "init-random", None])
def test_help_has_examples(command: str | None, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"] if command is None else [command, "--help"])
    assert left.value.code == 0
    assert "examples:\n  dllm" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["generate", "x", "--model", "/none"], "dllm generate: /none: no such folder, and not a"),
        (["generate", "--model", "M"], "needs at least one prompt, on the command line or with"),
        (["infill", "plain", "--model", "M"], "template: must hold at least one hole such as {{8"),
        (["generate", "x", "--model", "M", "--set", "threshold=0.5,0.9"], "one value each, got 2"),
        (["generate", "x", "--model", "M", "--set", "depth=1"], "unknown option 'depth'"),
        (["generate", "x", "--model", "M", "--scheduler", "fast"], "scheduler: unknown 'fast'"),
        (
            ["generate", "x", "--model", "M", "--length", "8", "--drafts", "0"],
            "decode: num_drafts must be at least 1, got 0",
        ),
        (
            ["generate", "x", "--model", "M", "--length", "8", "--eager"],
            "decode: eager needs cache 'block_causal', because",
        ),
        (
            ["generate", "x", "--model", "M", "--refresh", "2"],
            "--refresh: needs a cache, prefix or dual, got 2 and --cache none",
        ),
        (
            ["infill", "x{{4}}", "--model", "M", "--cache", "dual", "--refresh", "0"],
            "cache: refresh must be at least 1 step, got 0",
        ),
        (
            ["infill", "x{{4}}", "--model", "M", "--eager", "--cache", "dual"],
            "of an earlier one, got cache 'dual'",
        ),
        (
            ["generate", "x", "--model", "M", "--cache", "block_causal", "--length", "8"],
            "cache 'block_causal' needs a model whose attention is block-causal",
        ),
        (
            ["generate", "x", "--model", "M", "--length", "8", "--top-p", "2"],
            "Proposal: top_p must be in [0.0, 1.0",
        ),
        (["generate", "x" * 200, "--model", "M"], "must fit the model's 128 positions"),
        (["generate", "x", "--model", "M", "--delay", "-1"], "--delay must be at least 0, got -1"),
        (["generate", "--model", "M", "--file", "BAD"], "not UTF-8 (byte 3)"),
        (["generate", "--model", "M", "--file", "/none.txt"], "generate: /none.txt: No such file"),
        (["info", "M", "--length", "999"], "--length must be in [1, 128], got 999"),
        (["info", "M", "--batch", "0"], "--batch must be at least 1, got 0"),
        (["init-random", "NEW", "--preset", "gpt"], "preset: must be one of dream-7b, "),
        (["init-random", "M"], "must be empty or not exist"),
        (["init-random", "NEW", "--dtype", "int4"], "dtype must be one of float32, bfloat16, got"),
        (["init-random", "NEW", "--seed", "-1"], "init-random: seed must be at least 0, got -1"),
        (["init-random"], "needs a folder to write to"),
    ],
)
def test_mistakes_are_told_in_a_sentence(
    arguments: list[str], message: str, folder: str, tmp_path: Path, capsys: Capture
) -> None:
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"abc\xff")
    real = {"M": folder, "BAD": str(bad), "NEW": str(tmp_path / "new")}
    assert main([real.get(word, word) for word in arguments]) == 2
    error = capsys.readouterr().err
    assert message in " ".join(error.split())
    assert "Traceback" not in error


def test_inputs_are_no_markup(capsys: Capture) -> None:
    told = argparse.Namespace(json=False, quiet=False)
    made = dllm.Generation("[/b]", [1], [0.0], [2], "filled", 1, 1, 1, 1.0, 0)
    printer = Printer(told, ["[/a]", "[bold]"])
    for number in (1, 0):
        printer(number, made)
    shown = capsys.readouterr()
    assert shown.out == "[/b]\n" * 2
    assert "1: [/a]" in shown.err
    assert "2: [bold]" in shown.err


def test_interruption_leaves_what_was_finished(folder: str, tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_text("".join(f"prompt number {i}\n" for i in range(2000)))
    command = [sys.executable, "-m", "dllm.cli", "generate", "--model", folder]
    command += ["--file", str(file), "--length", "64", "--json", "--batch", "4"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    out, error = process.stdout.read(), process.stderr.read()
    assert process.wait(120) == INTERRUPTED
    lines = [json.loads(line) for line in (first + out).splitlines()]
    indices = [line["index"] for line in lines]
    assert indices[0] == 0
    assert indices == sorted(set(indices))
    assert f"interrupted {len(lines)} of 2000 finished" in error
    assert "Traceback" not in error
