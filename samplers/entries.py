"""Named rules with papers of their own: which slots of `combine` each fills.

As in `samplers.named`, options keep the names their authors gave them. `max_steps` is the number of
steps by which a rule measures how far a row has come; give it the schedule's.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from samplers.budgets import Even, Tokens
from samplers.credit import Credit
from samplers.dilated import Dilated
from samplers.editing import Editing
from samplers.entropy_bound import EntropyBound
from samplers.eoser import Ascending, Eoser
from samplers.fastdream import CarriedOver, FirstAlone
from samplers.filter import Filter, load_filter
from samplers.hierarchy import Hierarchy
from samplers.klass import Klass, Unsure
from samplers.learn2pd import (
    Accepted,
    AtLeast,
    CutAtDecoded,
    CutAtPredicted,
    FilterOrTopK,
    NothingOpen,
)
from samplers.localleap import LocalLeap
from samplers.maskgit import MaskGit, Remaining
from samplers.overrides import BlockStop, EarlyExit
from samplers.prophet import AnswerKnown, CommitWhen
from samplers.rcr import TakeBackLeastSure
from samplers.remdm import LoopSchedule, LoopTakeBack, RemdmLoop
from samplers.selections import Factor
from samplers.slowfast import SlowFast
from samplers.thresholds import ThresholdDinfer, ThresholdLeading, ThresholdWithin
from samplers.wino import NarrowOut, WideIn

Slots = dict[str, Any]
"""Keyword arguments of `samplers.combine.combine`, and what `samplers.named.join` makes into them.

`transform` takes the score and `reselect` the selection that the other entries have filled."""


def localleap(threshold: float = 0.9, relaxed_threshold: float = 0.75, radius: int = 4) -> Slots:
    """`threshold`, and within `radius` of what reaches it the relaxed one (LocalLeap)."""
    return {"select": LocalLeap(threshold, relaxed_threshold, radius)}


def threshold_dinfer(threshold: float = 0.9) -> Slots:
    """`threshold` as dInfer ships it: what comes within 1e-5 of the surest counts as the surest."""
    return {"select": ThresholdDinfer(threshold)}


def threshold_leading(threshold: float = 0.9) -> Slots:
    """From left to right as long as `threshold` is reached, at least one token (FreeDave)."""
    return {"select": ThresholdLeading(threshold)}


def hierarchy(threshold: float = 1.0, low_threshold: float = 0.4) -> Slots:
    """The surest token of every undecided stretch, and what exceeds `threshold` (dInfer)."""
    return {"select": Hierarchy(threshold, low_threshold)}


def credit(
    vocab: int, credit_alpha: float = 0.7, boost_gamma: float = 0.2, decay_beta: float = 0.8
) -> Slots:
    """Tokens proposed again and again get likelier; joins any rule (CreditDecoding)."""
    return {"revise": Credit(vocab, credit_alpha, boost_gamma, decay_beta)}


def prophet(
    answer_start: int,
    answer_length: int = 5,
    max_steps: int = 256,
    early: float = 7.5,
    mid: float = 5.0,
    late: float = 2.5,
    suffix: Sequence[int] | None = None,
) -> Slots:
    """Writes all the rest once the answer's positions are decided; joins any rule (Prophet).

    `answer_start` counts from the prompt's end, or from that of the token ids `suffix` where they
    stand behind it; the three thresholds are logit gaps.
    """
    words = None if suffix is None else tuple(suffix)
    known = AnswerKnown(answer_start, answer_length, max_steps, early, mid, late, words)
    return {"override": CommitWhen(known), "stop": known}


def eoser(
    eos: int, max_steps: int = 128, eos_min_gamma: float = 0.4, eos_max_gamma: float = 1.0
) -> Slots:
    """End-of-text tokens are believed little at first; joins a score or a schedule (EOSER)."""
    gammas = {"eos_min_gamma": eos_min_gamma, "eos_max_gamma": eos_max_gamma}
    return {"transform": partial(Eoser, eos=eos, max_steps=max_steps, **gammas)}


def eoser_published(
    eos: int, max_steps: int = 128, eos_min_gamma: float = 0.4, eos_max_gamma: float = 1.0
) -> Slots:
    """`eoser` as shipped: the steps are those of the block, `max_steps` those of the row."""
    gammas = {"eos_min_gamma": eos_min_gamma, "eos_max_gamma": eos_max_gamma}
    return {"transform": partial(Eoser, eos=eos, max_steps=max_steps, ramp="block", **gammas)}


def ass() -> Slots:
    """1, 2, 4, ... tokens a step, log2 of the answer's length steps (ASS).

    Published for blocks of `samplers.eoser.ascending_blocks`.
    """
    return {"budget": Ascending()}


def eoser_ass(eos: int, eos_min_gamma: float = 0.01, eos_max_gamma: float = 1.0) -> Slots:
    """`ass` with an `eoser` that rises as it does."""
    gammas = {"eos_min_gamma": eos_min_gamma, "eos_max_gamma": eos_max_gamma}
    transform = partial(Eoser, eos=eos, ramp="doubling", **gammas)
    return {"budget": Ascending(), "transform": transform}


def klass(
    vocab: int,
    conf_threshold: float = 0.9,
    kl_threshold: float = 0.01,
    kl_history_length: int = 2,
    unmask_strategy: str = "all",
) -> Slots:
    """Sure tokens whose distribution is at rest, else the surest; joins a schedule (KLASS)."""
    select = Klass(vocab, conf_threshold, kl_threshold, kl_history_length, unmask_strategy)
    return {"select": select}


def entropy_klass(tokens: int | None = None) -> Slots:
    """The highest entropy first: KLASS's `alg="entropy"` with the sign it was shipped with."""
    return {"score": Unsure(), **({} if tokens is None else {"budget": Tokens(tokens)})}


def maskgit(steps: int = 128, mode: str = "linear", blocks: int = 1) -> Slots:
    """MaskGIT's schedule (`mode`: linear, cosine, pow2), `steps` for `blocks` blocks together."""
    return {"budget": MaskGit.of(steps, mode, blocks)}


def rcr(steps: int = 128, mode: str = "linear", blocks: int = 1, reach: str = "block") -> Slots:
    """Writes everything every step and takes the least sure back, by MaskGIT's schedule (RCR).

    The published code also takes back tokens of earlier blocks: `reach="before"`.
    """
    schedule = MaskGit.of(steps, mode, blocks)
    return {
        "budget": Remaining(schedule, spends=reach == "before"),
        "override": TakeBackLeastSure(schedule, reach),
        "reach": reach,
    }


def remdm(
    steps: int = 128, remdm_steps: int = 1, remdm_number: int = 1, reach: str = "block"
) -> Slots:
    """LLaDA's schedule and `remdm_steps` more steps a block that take tokens back first (ReMDM)."""
    loop = RemdmLoop(Even(steps), remdm_steps, remdm_number)
    return {"budget": LoopSchedule(loop), "override": LoopTakeBack(loop), "reach": reach}


def threshold_dream(steps: int = 128, threshold: float = 0.9) -> Slots:
    """`threshold` within an even schedule that carries rejected tokens over (Fast-dLLM, Dream)."""
    return {"budget": CarriedOver(steps), "select": ThresholdWithin(threshold)}


def first_alone() -> Slots:
    """The first step of a block writes its first position alone; joins any selection.

    Fast-dLLM's block-wise decoding of Dream: `first_alone+threshold`, `first_alone+entropy+dream`.
    """
    return {"reselect": FirstAlone}


def entropy_bound(gamma: float = 0.001) -> Slots:
    """As many of the best tokens as keep their entropies but the largest within gamma (EB)."""
    return {"select": EntropyBound(gamma)}


def entropy_bound_d2cache(gamma: float = 0.001) -> Slots:
    """`entropy_bound` as d2Cache ships it, which leaves out the last entropy, not the largest."""
    return {"select": EntropyBound(gamma, without="last")}


def dus(base: int = 2, remasking_threshold: float = 0.3) -> Slots:
    """Positions far apart first, then those between them: log2 of a block's length steps (DUS)."""
    return {"select": Dilated(base, remasking_threshold)}


def slowfast(
    high_threshold: float = 0.9, cycle_threshold: float = 0.3, exploration_steps: int = 6
) -> Slots:
    """Looks how far the sure stretch of a block reaches, then fills it (SlowFast)."""
    return {"select": SlowFast(high_threshold, cycle_threshold, exploration_steps)}


def wino(threshold: float = 0.6, threshold_back: float = 0.9) -> Slots:
    """Writes all that exceeds `threshold` and takes back what hindsight doubts (WINO)."""
    return {"select": WideIn(threshold), "override": NarrowOut(threshold_back)}


def wino_d2cache(wide_in_thres: float = 0.6, narrow_out_thres: float = 0.9) -> Slots:
    """`wino` as d2Cache ships it: fewer are taken back than the same step has written."""
    return {
        "select": WideIn(wide_in_thres, exact=True),
        "override": NarrowOut(narrow_out_thres, limit="step"),
    }


def editing(
    threshold: float = 0.7,
    editing_threshold: float = 0.5,
    max_post_steps: int = 16,
    num_to_transfer: int = 1,
) -> Slots:
    """A threshold, and another one for writing over what is written (LLaDA2.1)."""
    return {"rule": Editing(threshold, editing_threshold, max_post_steps, num_to_transfer)}


def factor_d2cache(factor: float = 1.0) -> Slots:
    """`factor` as d2Cache ships it: if every token passes, the last one waits."""
    return {"select": Factor(factor, last="waits")}


def learn2pd(
    filter: str | Filter,  # noqa: A002  (the option's name)
    tau: float = 0.96,
    eotp: str | None = None,
    scope: str = "row",
    steps: int | None = None,
    reach: str = "block",
    eos: int | None = None,
) -> Slots:
    """What a trained `filter` accepts, and LLaDA's schedule as the least (Learn2PD).

    `filter` is a file, or a filter. The schedule is one token a step, or `steps` for the answer.
    `eotp` cuts the row behind its end-of-text token: `prediction`, as published, as soon as one is
    predicted; `decoded` once one is decoded. Over a cache `prediction` needs `scope="block"`.
    """
    if not isinstance(filter, str | Filter):
        raise ValueError(f"learn2pd: filter must be a file or a Filter, got {filter!r}")
    accepted = Accepted(load_filter(filter) if isinstance(filter, str) else filter, tau)
    slots: Slots = {
        "budget": Tokens() if steps is None else AtLeast(Even(steps)),
        "select": FilterOrTopK(accepted),
        "reach": reach,
    }
    if eotp is None:
        return slots
    if eos is None:
        raise ValueError(f"learn2pd: option eos has to be given with eotp={eotp!r}")
    if eotp == "prediction":
        return {**slots, "override": CutAtPredicted(eos, accepted, scope)}
    if eotp == "decoded":
        return {**slots, "override": CutAtDecoded(eos)}
    raise ValueError(f"learn2pd: eotp must be prediction, decoded or none, got {eotp!r}")


def predict_eot(eos: int, scope: str = "row") -> Slots:
    """Cuts the row behind the likeliest end-of-text token predicted; joins any rule (Learn2PD)."""
    return {"override": CutAtPredicted(eos, None, scope), "stop": NothingOpen()}


def early_exit(eos: int, pad: int | None = None) -> Slots:
    """Joins any rule: behind a block of nothing but `eos` (or `pad`) comes the same (FreeDave)."""
    return {"override": EarlyExit(eos, eos if pad is None else pad)}


def block_stop(eos: int) -> Slots:
    """Ends the answer with the block that holds an end-of-text token, once it is filled."""
    return {"override": BlockStop(eos)}


ENTRIES = {
    entry.__name__: entry
    for entry in (
        localleap,
        threshold_dinfer,
        hierarchy,
        credit,
        prophet,
        eoser,
        eoser_published,
        ass,
        eoser_ass,
        klass,
        entropy_klass,
        maskgit,
        rcr,
        remdm,
        threshold_dream,
        first_alone,
        entropy_bound,
        entropy_bound_d2cache,
        dus,
        slowfast,
        wino,
        wino_d2cache,
        editing,
        factor_d2cache,
        learn2pd,
        predict_eot,
        block_stop,
        early_exit,
        threshold_leading,
    )
}
