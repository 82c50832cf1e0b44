"""The tables of slices: what is compiled for which, and that nothing is compiled twice."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import slices
from benchmarks.__main__ import main
from benchmarks.plan import shape
from dllm.topology import Footprint
from tests.dllm.models.test_public import PUBLIC

CONFIGS = Path(__file__).parents[2] / "tpu_configs"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, str]]:
    """What a stand-in for the compiler was asked for: slice, width and cache."""
    asked: list[tuple[str, int, str]] = []

    def stand_in(hardware: Any, config: Any, *_: Any, cache: str) -> Footprint:
        asked.append((hardware.name, config.width, cache))
        if hardware.name == "v5e-1":
            raise ValueError("Ran out of memory on HBM. And more.")
        return Footprint(2**30, 2**31)

    monkeypatch.setattr(slices, "compile_decode", stand_in)
    monkeypatch.setattr(slices.metadata, "version", lambda _: "1.2")
    return asked


def test_every_slice_and_every_model_once() -> None:
    programs = [(p.model, p.hardware.name) for p in slices.choose(CONFIGS)]
    assert len(set(programs)) == len(programs)
    tpus = {name for model, name in programs if model == slices.EVERYWHERE}
    assert tpus == {path.stem for path in CONFIGS.glob("*.toml") if path.stem[0] in "vt"}
    assert {model for model, _ in programs} == set(PUBLIC)


def test_the_devices_divide_the_heads() -> None:
    for program in slices.choose(CONFIGS):
        heads = shape(program.model)[0].heads
        assert heads % program.hardware.mesh.model == 0


def test_goes_on_where_it_was_stopped(
    tmp_path: Path, compiled: list[tuple[str, int, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    out, page = tmp_path / "slices.json", tmp_path / "page.md"
    page.write_text(f"Before.\n{slices.BEGIN}\n{slices.END}\nAfter.\n")
    command = ["slices", "--folder", str(CONFIGS), "--out", str(out)]
    main([*command, "--only", "sdar-4b"])
    assert compiled == [("v6e-1", 2560, "block_causal")]
    main([*command, "--only", "v6e-1,sdar-1.7b"])
    assert "sdar-1.7b on v5e-1: refused" in capsys.readouterr().out
    assert len(compiled) == 6
    main([*command, "--page", str(page)])
    every = slices.choose(CONFIGS)
    assert len(compiled) == len(every)
    told = [(one["model"], one["slice"]) for one in json.loads(out.read_text())["programs"]]
    assert told == [(p.model, p.hardware.name) for p in every]
    written = page.read_text()
    assert "| llada-8b | v5e-8 | 1 x 8 | dual | 8 | 1.00 | 2.00 | 15.75 | 19% |" in written
    assert "| 15.75 | refused: Ran out of memory on HBM |" in written
    main([*command, "--only", "sdar-4b", "--again"])
    assert len(compiled) == len(every) + 1


def test_what_was_compiled_otherwise_is_not_kept(
    tmp_path: Path, compiled: list[tuple[str, int, str]]
) -> None:
    out = tmp_path / "slices.json"
    command = ["slices", "--folder", str(CONFIGS), "--only", "dream-7b", "--out", str(out)]
    main(command)
    main([*command, "--prompt", "256"])
    assert [one["model"] for one in json.loads(out.read_text())["programs"]] == ["dream-7b"]
    figures = json.loads(out.read_text())
    figures["programs"][0]["batch"] += 1
    out.write_text(json.dumps(figures))
    main([*command, "--prompt", "256"])
    assert len(compiled) == 3


def test_a_page_without_a_place_is_refused_first(
    tmp_path: Path, compiled: list[tuple[str, int, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "page.md").write_text("Nothing.")
    with pytest.raises(SystemExit):
        main(["slices", "--folder", str(CONFIGS), "--page", str(tmp_path / "page.md")])
    assert "--page: must have <!-- slices --> and" in capsys.readouterr().err
    assert not compiled


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["slices", "--folder", str(CONFIGS), "--only", "v9-1"])
    assert "--only must be among" in capsys.readouterr().err
