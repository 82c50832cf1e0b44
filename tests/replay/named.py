"""Recorded runs of samplers that have a rule by name: which rule, with which options.

As in `tests.replay.published`, what a rule does not know is left in the arguments.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import dllm
from samplers import Scheduler, part
from samplers.eoser import ascending_blocks
from samplers.filter import Filter, Linear
from tests.reference.learn2pd import random_filter
from tests.shared import vector_arrays
from tests.toys import EOS, VOCAB

Arguments = dict[str, Any]
Built = tuple[Scheduler, dllm.Proposal]

NOBODY = 10**6
"""In place of an end-of-text token where a run does not stop early: the same program."""


class Family(NamedTuple):
    """Runs that are decoded in one manner."""

    build: Callable[..., Built]
    spends: bool = False
    """Its loop makes the calls of its schedule, or one over every block, needed or not."""
    whole: bool = False
    """One block, which the prompt is part of."""
    shifted: bool = False
    """The model predicts the next token."""
    filler: int = 0
    """Length of a block behind the answer, where no row has positions: the longest block is a size
    of the program."""


@part
class Wide:
    """An override that changes nothing and has the whole canvas looked at: one size of window."""

    needs = frozenset({"canvas"})

    def __call__(self, view: Any, canvas: Any) -> Any:
        return canvas


def take(arguments: Arguments, *names: str, **defaults: Any) -> dict[str, Any]:
    """Takes options out of the arguments; those without a default may be missing."""
    taken = {name: arguments.pop(name) for name in names if name in arguments}
    return {**taken, **{name: arguments.pop(name, default) for name, default in defaults.items()}}


def block_lengths(arguments: Arguments) -> list[int]:
    """The lengths of the blocks of an answer."""
    length = arguments.pop("gen_length")
    if "block_num" in arguments:
        return ascending_blocks(length, arguments.pop("block_num"))
    block = arguments.pop("block_length", length)
    return [block] * (length // block)


def _stop(arguments: Arguments) -> dict[str, Any]:
    return {"eos": EOS if arguments.pop("early_stop", False) else NOBODY}


def _localleap(arguments: Arguments) -> Built:
    steps, stop = arguments.pop("steps"), _stop(arguments)
    if "threshold" not in arguments:
        return dllm.rule("llada+block_stop", steps=steps, **stop), dllm.Proposal()
    options = take(arguments, "threshold", "relaxed_threshold", "radius")
    return dllm.rule("localleap+block_stop", **options, **stop), dllm.Proposal()


def _prophet(arguments: Arguments) -> Built:
    steps = arguments.pop("steps")
    arguments.pop("analyze_gap")
    answer = take(arguments, "answer_length", answer_start=arguments.pop("answer_start_offset"))
    thresholds = arguments.pop("thresholds")
    options = {**answer, **thresholds, "steps": steps, "max_steps": steps}
    return dllm.rule("llada+prophet", **options), dllm.Proposal()


def _eoser(arguments: Arguments) -> Built:
    """A factor that stays 1 is no factor."""
    function, steps = arguments.pop("function"), arguments.pop("steps")
    options = take(arguments, eos_min_gamma=1.0)
    if "ass" in function:
        return dllm.rule("eoser_ass", eos=EOS, **options), dllm.Proposal()
    text = "llada+eoser" if function == "intended" else "llada+eoser_published"
    options |= {"steps": steps, "max_steps": steps, "eos": EOS}
    return dllm.rule(text, **options), dllm.Proposal()


def _decoder(arguments: Arguments) -> Built:
    stop, decoder = _stop(arguments), arguments.pop("decoder")
    take(arguments, "use_float64", "maximum_unroll")
    unset = {"threshold": 1.0, "low_threshold": 0.0}  # nothing gets over it, everything does
    given = take(arguments, "threshold", "low_threshold")
    options = {name: unset[name] if value is None else value for name, value in given.items()}
    if decoder == "credit":
        options |= take(arguments, "credit_alpha", "boost_gamma", "decay_beta") | {"vocab": VOCAB}
    text = {"credit": "credit+threshold_dinfer", "threshold": "threshold_dinfer"}
    return dllm.rule(f"{text.get(decoder, decoder)}+block_stop", **options, **stop), dllm.Proposal()


def _klass(arguments: Arguments) -> Built:
    steps = arguments.pop("steps")
    if arguments.pop("alg") == "entropy":
        return dllm.rule("entropy_klass+llada", steps=steps), dllm.Proposal()
    names = ("conf_threshold", "kl_threshold", "kl_history_length", "unmask_strategy")
    options = {"steps": steps, "vocab": VOCAB, "reach": "before", **take(arguments, *names)}
    return dllm.rule("klass+llada", **options), dllm.Proposal()


def _remask(arguments: Arguments) -> Built:
    function, steps = arguments.pop("function"), arguments.pop("steps")
    if function == "llada_remdm_sample":
        options = take(arguments, "remdm_steps", "remdm_number")
        return dllm.rule("remdm", steps=steps, **options), dllm.Proposal()
    options = take(arguments, "mode", "blocks")
    if arguments.pop("overtime_conf"):
        return dllm.rule("rcr", steps=steps, reach="before", **options), dllm.Proposal()
    return dllm.rule("maskgit", steps=steps, **options), dllm.Proposal()


def _dream_threshold(arguments: Arguments) -> Built:
    take(arguments, "impl", "alg")
    options = take(arguments, "steps", "threshold")
    return dllm.rule("threshold_dream", **options), dllm.Proposal(scores="filtered")


def _dream_blocks(arguments: Arguments) -> Built:
    """The published code goes by the entropy whatever `alg` says, unless by the threshold."""
    arguments.pop("impl")
    steps, threshold = arguments.pop("steps"), arguments.pop("threshold")
    options = take(arguments, "blocks")
    if arguments.pop("alg") == "confidence_threshold":
        rule = dllm.rule("first_alone+threshold", threshold=threshold)
    else:
        rule = dllm.rule("first_alone+entropy+dream", steps=steps, **options)
    return rule, dllm.Proposal(scores="filtered")


def _learn2pd(arguments: Arguments) -> Built:
    """With a cache, the published code always cuts rows short, by what it sees of the block."""
    function, steps = arguments.pop("function"), arguments.pop("steps")
    tau, weights = arguments.pop("accept_thres"), arguments.pop("filter", None)
    if function == "generate_predict_eot":
        return dllm.rule("llada+predict_eot", steps=steps, eos=EOS), dllm.Proposal()
    cached = function.endswith("_cache")
    options = {
        "filter": _filter(weights),
        "tau": tau,
        "steps": steps,
        "eotp": {"generate_learn2parallel": None, "decoded": "decoded"}.get(function, "prediction"),
        "scope": "block" if cached else "row",
        "eos": EOS,
    }
    return dllm.rule("learn2pd", **options), dllm.Proposal()


def _filter(seed: int | None) -> Filter:
    """The recorded runs' filter, or a random one."""
    if seed is not None:
        return Filter(tuple(Linear(*layer) for layer in random_filter(seed)))
    arrays = vector_arrays("learn2pd_filter8.npz")
    return Filter(tuple(Linear(arrays[f"W{i}"], arrays[f"b{i}"]) for i in (1, 2)))


def _named(text: str, *names: str) -> Callable[[Arguments], Built]:
    """Runs whose arguments are the rule's options."""

    def build(arguments: Arguments) -> Built:
        return dllm.rule(text, **take(arguments, *names)), dllm.Proposal()

    return build


def _wino(arguments: Arguments) -> Built:
    options = take(arguments, "threshold", "threshold_back")
    if arguments.pop("published"):
        return dllm.rule("wino", **options), dllm.Proposal()
    names = {"wide_in_thres": "threshold", "narrow_out_thres": "threshold_back"}
    renamed = {name: options[old] for name, old in names.items()}
    return dllm.rule("wino_d2cache", **renamed), dllm.Proposal()


def _editing(arguments: Arguments) -> Built:
    options = take(arguments, "threshold", "editing_threshold", "max_post_steps")
    least = arguments.pop("least")
    return dllm.rule("editing", num_to_transfer=least, **options), dllm.Proposal()


def _entropy_bound(arguments: Arguments) -> Built:
    text = "entropy_bound_d2cache" if arguments.pop("published") else "entropy_bound"
    return dllm.rule(text, **take(arguments, "gamma")), dllm.Proposal()


FAMILIES = {
    "localleap": Family(_localleap),
    "prophet": Family(_prophet, spends=True),
    "eoser": Family(_eoser, spends=True),
    "decoder": Family(_decoder),
    "klass": Family(_klass),
    "remask": Family(_remask, spends=True),
    "learn2pd": Family(_learn2pd),
    "predict_eot": Family(_learn2pd, spends=True),
    "dream_threshold": Family(_dream_threshold, whole=True, shifted=True),
    "dream_blocks": Family(_dream_blocks, spends=True, shifted=True, filler=24),
    "entropy_bound": Family(_entropy_bound),
    "wino": Family(_wino),
    "editing": Family(_editing),
    "factor_d2cache": Family(_named("factor_d2cache", "factor")),
    "dus": Family(_named("dus", "base", "remasking_threshold")),
    "slowfast": Family(
        _named("slowfast", "high_threshold", "cycle_threshold", "exploration_steps")
    ),
}
