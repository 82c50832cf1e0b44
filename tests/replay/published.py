"""How a recorded case's arguments map to this project's rules. Arguments it does not know raise."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from dllm.canvas import Rows, rows
from dllm.decode import Decoded, decode
from dllm.noise import Fresh, Recorded
from dllm.propose import Proposal
from dllm.row import Kind
from samplers import VOID, Scheduler, combine
from samplers.budgets import Dream, Even, Tokens
from samplers.overrides import EarlyStop
from samplers.scores import Confidence, Entropy, Margin, Random
from samplers.selections import Bernoulli, Factor, Threshold, TopK
from tests.replay.named import FAMILIES, Arguments, Family, Wide, block_lengths
from tests.shared import vector_arrays
from tests.toys import EOS, EOT, MASK_ID, TANH_PARAMS, VOCAB, Tanh, masked

LENGTH, BLOCKS, STEPS = 64, 64, 256
"""Every replay is padded to these, so that one program serves all cases of a kind."""

DREAM_SCORES = {"maskgit_plus": Confidence, "topk_margin": Margin, "entropy": Entropy}


class Replay(NamedTuple):
    """A recorded case as arguments of `decode`."""

    model: Tanh
    rows: Rows
    scheduler: Scheduler
    proposal: Proposal
    reference_calls: bool
    cache: str = "none"


def assert_replays(kind: str, case: dict[str, Any]) -> None:
    """Decodes a case and compares every canvas, the calls and the result with the recording."""
    runs = [
        decode(
            replay.model,
            replay.rows,
            replay.scheduler,
            replay.proposal,
            cache=replay.cache,
            reference_calls=replay.reference_calls,
            record=STEPS,
        )
        for replay in replays(case, kind)
    ]
    ended: Decoded = jax.tree.map(lambda *leaves: np.concatenate(leaves), *runs)
    assert ended.forwards.tolist() == [case["nfe"]] * len(case["prompt"])
    for step, state in enumerate(case["states"]):
        assert ended.trajectory[:, step].tolist() == _padded(state), step
    assert ended.canvas.tolist() == _padded(case["final"])
    calls = [
        [Kind[call["kind"].upper()], call["start"], call["length"], bool(call.get("store"))]
        for call in case["calls"]
    ]
    assert ended.log[:, : case["nfe"], :4].tolist() == [calls] * len(case["prompt"])


def _padded(state: list[list[int]]) -> list[list[int]]:
    """Recorded rows as canvases: nothing exists behind their end."""
    return [[*masked(row).tolist(), *[VOID] * (LENGTH - len(row))] for row in state]


class Draws:
    """A row's recorded uniform draws on padded tables: Gumbel noise, and one draw a position."""

    def __init__(self, case: dict[str, Any], row: int) -> None:
        self.gumbel = np.zeros((STEPS, LENGTH, VOCAB), np.float32)
        self.positions = np.zeros((STEPS, LENGTH), np.float32)
        self.kinds: set[str] = set()
        steps = {"gumbel": 0, "positions": 0, "masked": 0}
        for draw in _uniforms(case):
            kind = {3: "gumbel", 2: "positions", 1: "masked"}[draw.ndim]
            self._put(kind, steps[kind], draw, row, case["states"])
            steps[kind] += 1
            self.kinds.add(kind)

    def _put(self, kind: str, step: int, draw: np.ndarray, row: int, states: Any) -> None:
        if kind == "gumbel":
            self.gumbel[step, : draw.shape[1]] = -np.log(-np.log(draw[row]))
        elif kind == "positions":
            self.positions[step, : draw.shape[1]] = draw[row]
        else:  # one draw a masked position, row by row
            hidden = np.asarray(states[step]) == MASK_ID
            before = hidden[:row].sum()
            at = np.flatnonzero(hidden[row])
            self.positions[step, at] = draw[before : before + len(at)]


def replays(case: dict[str, Any], kind: str) -> list[Replay]:
    """A case as decodes: one of all its rows, or one a row where each has its own draws."""
    prompts = case["prompt"]
    groups = (
        [[i] for i in range(len(prompts))]
        if "injected_uniforms" in case
        else [list(range(len(prompts)))]
    )
    return [_replay(case, kind, group) for group in groups]


def replay_model(case: dict[str, Any]) -> Tanh:
    """The toy of a case that is decoded by no rule by name."""
    return _toy(case, shifted=False)


def replay_rows(case: dict[str, Any]) -> Rows:
    """Its prompts and blocks."""
    return _rows(case["prompt"], dict(case["args"]), FAMILIES["learn2pd"])


def _replay(case: dict[str, Any], kind: str, group: list[int]) -> Replay:
    arguments = dict(case["args"])
    draws = Draws(case, group[0])
    family = ALL[kind]
    laid_out = _rows([case["prompt"][i] for i in group], arguments, family)
    cache = take_cache(arguments)
    if kind in FAMILIES:
        scheduler, proposal = family.build(arguments)
        if cache == "none":
            scheduler = combine(rule=scheduler, override=Wide())
    else:
        scheduler, proposal = family.build(arguments, draws, cached=cache != "none")
    arguments.pop("blocks", None)
    if arguments:
        raise ValueError(f"{case['case']}: arguments that no rule here knows: {arguments}")
    # Fast-dLLM looks at a block once more that the full forward has filled; dInfer does not.
    spare = family.spends or (kind == "fastdllm" and cache != "none")
    return Replay(_toy(case, family.shifted), laid_out, scheduler, proposal, spare, cache)


def take_cache(arguments: Arguments) -> str:
    """The cache of a run of Fast-dLLM (its functions' names) or dInfer (its options)."""
    function = arguments.get("function", "")
    blockwise = arguments.get("impl") == "fastdllm_block"
    kept = arguments.pop("use_cache", blockwise or function.endswith("_cache"))
    both = arguments.pop("dual_cache", "dual" in function)
    return ("dual" if both else "prefix") if kept else "none"


def _toy(case: dict[str, Any], shifted: bool) -> Tanh:
    toy = case["toy"]
    params = toy.get("params") or vector_arrays("toy_params.npz")
    network = {name: params[name] for name in TANH_PARAMS}
    return Tanh(network, np.float32(toy["gain"]), params[toy["bias"]], shifted=shifted)


def _uniforms(case: dict[str, Any]) -> list[np.ndarray]:
    """The uniform draws of a run, one array a call of its random number generator."""
    where = case.get("injected_uniforms", {})
    if "draws" in where:
        return where["draws"]
    arrays = vector_arrays(where["file"]) if where else {}
    return [arrays[f"{where['prefix']}{call}"] for call in range(where.get("count", 0))]


def _rows(prompts: list[list[int]], arguments: Arguments, family: Family) -> Rows:
    """Prompts with holes behind them, in which given tokens stand; also counts the blocks."""
    prompts = [masked(prompt).tolist() for prompt in prompts]
    lengths = block_lengths(arguments)
    made = rows(prompts, sum(lengths), length=LENGTH)
    blocks = np.full((len(prompts), BLOCKS, 2), LENGTH, np.int32)
    for own, prompt in zip(blocks, prompts, strict=True):
        ends = len(prompt) + np.cumsum(lengths)
        own[: len(lengths)] = np.stack([ends - lengths, ends], axis=1)
        own[len(lengths), 0] -= family.filler
        if family.whole:  # no blocks: masks in the prompt are decoded like any other
            own[0] = [0, ends[-1]]
    canvas = made.canvas
    for offset, token in (arguments.pop("constraints", None) or {}).items():
        canvas = canvas.at[jnp.arange(len(prompts)), made.prompt + int(offset)].set(token)
    arguments["blocks"] = len(lengths)
    return made._replace(canvas=canvas, blocks=jnp.asarray(blocks))


def llada(
    arguments: Arguments, draws: Draws, eos: int = EOS, eot: int = EOT, *, cached: bool = False
) -> tuple[Scheduler, Proposal]:
    """The rule and proposal of a run of LLaDA's sampler; takes what it knows out of `arguments`."""
    assert not cached
    scheduler = combine(
        score=_score(arguments, draws), budget=Even(_steps(arguments)), reach="before"
    )
    temperature = arguments.pop("temperature", 0.0)
    arguments.pop("ones_mask", None)  # an attention mask of ones
    # The published code means to distrust both; by aliasing, it keeps EOS when it samples.
    distrusted = [eot] if temperature > 0 else [eos, eot]
    return scheduler, Proposal(
        temperature=jnp.float32(temperature),
        guidance=_given(arguments, "cfg_scale"),
        suppress=np.array([eos]) if arguments.pop("logits_eos_inf", False) else None,
        distrust=np.array(distrusted) if arguments.pop("confidence_eos_eot_inf", False) else None,
        noise=Recorded(draws.gumbel) if "gumbel" in draws.kinds else Fresh(),
    )


def fastdllm(
    arguments: Arguments, draws: Draws, *, cached: bool = False
) -> tuple[Scheduler, Proposal]:
    """The rule and proposal of a run of Fast-dLLM's or dInfer's sampler."""
    arguments.pop("function")
    threshold, factor = arguments.pop("threshold", None), arguments.pop("factor", None)
    budget, select = Even(_steps(arguments)), TopK()
    if threshold is not None and threshold > 1:  # nothing but the surest
        budget = Tokens(1)
    elif threshold is not None:
        budget, select = None, Threshold(jnp.float32(threshold))
    elif factor is not None:
        budget, select = None, Factor(jnp.float32(factor), last="free")
    scheduler = combine(
        score=_score(arguments, draws),
        budget=budget,
        select=select,
        override=[EarlyStop(EOS, "canvas", int(cached))]
        if arguments.pop("early_stop", False)
        else [],
        reach="block" if cached else "before",
    )
    return scheduler, Proposal(
        temperature=jnp.float32(arguments.pop("temperature", 0.0)),
        noise=Recorded(draws.gumbel) if "gumbel" in draws.kinds else Fresh(),
    )


def _dream(
    arguments: Arguments, draws: Draws, *, cached: bool = False
) -> tuple[Scheduler, Proposal]:
    assert not cached
    arguments.pop("impl")
    schedule = Dream.of(arguments.pop("steps"), arguments.pop("eps", 1e-3))
    padded = np.concatenate([np.asarray(schedule.shares), np.ones(STEPS, np.float32)])[:STEPS]
    schedule = Dream(schedule.steps, padded)
    if arguments.pop("alg_temp", None) or arguments.pop("temperature", None):
        raise ValueError("a Dream run with random tokens or random order cannot be replayed")
    algorithm = arguments.pop("alg", "origin")
    proposal = Proposal(
        top_p=_given(arguments, "top_p"), top_k=_given(arguments, "top_k"), scores="filtered"
    )
    if algorithm == "origin":
        select = Bernoulli(schedule, draws.positions)
        return combine(budget=schedule, select=select, reach="before"), proposal
    score = DREAM_SCORES[algorithm]()
    return combine(score=score, budget=schedule, reach="before"), proposal


def _score(arguments: Arguments, draws: Draws) -> Any:
    remasking = arguments.pop("remasking", "low_confidence")
    return {"low_confidence": Confidence(), "random": Random(draws.positions)}[remasking]


def _steps(arguments: Arguments) -> np.ndarray:
    return np.asarray(arguments.pop("steps"), np.int32)


def _given(arguments: Arguments, name: str) -> np.ndarray | None:
    value = arguments.pop(name, None)
    return np.asarray(value, np.float32 if isinstance(value, float) else None) if value else None


ALL = {
    "llada": Family(llada, spends=True),
    "fastdllm": Family(fastdllm),
    "dinfer": Family(fastdllm),
    "dream": Family(_dream, spends=True, whole=True, shifted=True),
    **FAMILIES,
}
