"""A decode as a page: what it says of each step."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import dllm
from benchmarks import __main__ as command_line
from benchmarks.oracles.subject import Oracle
from benchmarks.report.trace import page, trace
from benchmarks.runner.batches import Plan, make_plan
from benchmarks.runner.settings import Setting, choose_settings
from benchmarks.suites import Question
from samplers import MASK, Move
from tests.benchmarks.subjects import Fake, questions


@dllm.scheduler
class SecondThoughts:
    """Writes one position a step, and takes the first back in the third."""

    def init(self, canvas: Any) -> Any:
        return jnp.int32(0)

    def update(self, key: Any, state: Any, canvas: Any, prediction: Any, place: Any) -> Move:
        at = jnp.arange(canvas.shape[0])
        target = jnp.where(state < 3, place.start + state, place.start)
        after = jnp.where(at == target, prediction.tokens, canvas)
        after = jnp.where((at == place.start) & (state == 2), MASK, after)
        return Move(after, state + 1, state == 3)


EXACT = Oracle("replace_random", 3)


def planned(changed: Callable[[Question], Question] = lambda question: question) -> Plan:
    """One example of three people."""
    asked = [changed(EXACT.questions(1)[0])]
    return make_plan(EXACT, asked, [Setting("own", {}, SecondThoughts())], suite="oracle")


def told(html: str) -> dict[str, Any]:
    data = html.partition('<script id="data" type="application/json">')[2]
    return json.loads(data.partition("</script>")[0])


def test_steps() -> None:
    """Of three positions: 1/3, 1/2 or 1, certain; and again what was taken back."""
    plan = planned()
    shown = trace(plan)
    assert [[token >= 0 for token in frame] for frame in shown.canvases.tolist()] == [
        [False, False, False],
        [True, False, False],
        [True, True, False],
        [False, True, True],
        [True, True, True],
    ]
    assert shown.written[0, 0] == pytest.approx(2 / 3)
    assert shown.written[1, 1] == pytest.approx(1 / 2)
    assert shown.written[3, 0] == pytest.approx(1)
    assert shown.guessed[0].tolist() == pytest.approx([2 / 3] * 3)
    data = told(page(plan, shown))
    assert data["canvases"] == shown.canvases.tolist()
    label = plan.questions[0].example.label
    assert set(data["words"].values()) <= {*label["input"], label["word"]}


@pytest.mark.parametrize(("suite", "written"), [("embedded", 4), ("official", 8)])
def test_follows_the_protocol(suite: str, written: int) -> None:
    """As runs do: a row ends with the block that holds an end of text, but for official ones."""
    swept = choose_settings(["dus"], ["block_length=4"]).settings
    plan = make_plan(Fake(ends=(3,)), questions(1, "copy"), swept, suite=suite)
    canvas = trace(plan).canvases[-1]
    assert np.count_nonzero(canvas >= 0) == written


def test_text_cannot_end_the_script() -> None:
    plan = planned(lambda q: q._replace(example=q.example._replace(prompt="</script><b>")))
    html = page(plan, trace(plan))
    assert told(html)["prompt"] == "</script><b>"
    assert html.count("</script>") == 2
    assert "http" not in html


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--model", "oracle:replace_random:3", "--set", "tokens=1"]
    command_line.main(["trace", *options, "--out", str(tmp_path / "new" / "t.html")])
    assert "3 steps" in capsys.readouterr().out
    data = told((tmp_path / "new" / "t.html").read_text("utf-8"))
    assert data["title"] == "replace_random 0, confidence tokens=1, oracle:replace_random:3"
    assert len(data["canvases"]) == 4


BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)


@pytest.mark.skipif(BROWSER is None, reason="needs a Chromium")
def test_plays_in_a_browser(tmp_path: Path) -> None:
    """To its last step, and without a word on the console."""
    plan, html = planned(), tmp_path / "trace.html"
    html.write_text(page(plan, trace(plan)), "utf-8")
    assert BROWSER is not None
    command = [
        *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"),
        *(f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=5000", "--dump-dom"),
        f"{html.as_uri()}#play",
    ]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    assert "step 4 of 4" in ended.stdout
    assert "2: taken back" not in ended.stdout
    assert "3: taken back" in ended.stdout
    assert ">play<" in ended.stdout  # it has come to its end
    assert "CONSOLE" not in ended.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set", "tokens=1,2"], "trace: --set needs one value each, got 2 combinations"),
        (["--number", "-1"], "trace: --number must be at least 0, got -1"),
    ],
)
def test_refuses(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        command_line.main(
            ["trace", "--model", "oracle:shuffle", *options, "--out", str(tmp_path / "t.html")]
        )
    assert message in capsys.readouterr().err
