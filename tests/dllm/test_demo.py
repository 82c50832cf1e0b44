"""The demo's command line."""

import pytest

from dllm import demo


def test_shows_three_rules(capsys: pytest.CaptureFixture[str]) -> None:
    demo.main(["--width", "100", "--length", "16"])
    printed = capsys.readouterr().out
    for name in ("confidence", "threshold threshold=0.4", "random tokens=4", "misfits"):
        assert name in printed


def test_shows_a_chosen_rule(capsys: pytest.CaptureFixture[str]) -> None:
    demo.main(
        ["--scheduler", "left_to_right", "--set", "tokens=4,8", "--length", "16", "--width", "100"]
    )
    printed = capsys.readouterr().out
    assert "left_to_right tokens=4" in printed
    assert "left_to_right tokens=8" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scheduler", "no"], "error: scheduler: unknown 'no'"),
        (["--scheduler", "threshold", "--set", "threshold=1.7"], "threshold must be in"),
        (["--set", "tokens=1"], "error: --set needs --scheduler"),
        (["--length", "99"], "--length must be in [1, 56], got 99"),
        (["--length", "32", "--block", "5"], "block_length must divide gen_length"),
        (["--scheduler", "gone.py:Rule"], "error: scheduler: no file gone.py"),
    ],
)
def test_says_what_is_wrong(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        demo.main(arguments)
    assert caught.value.code == 2
    assert message in " ".join(capsys.readouterr().err.split())
