"""What the parts of rules with papers of their own refuse, when built or traced."""

from typing import Any

import pytest

import dllm
from dllm.toy import random_chain
from samplers import combine
from samplers.budgets import Dream
from samplers.credit import Credit
from samplers.dilated import Dilated
from samplers.editing import Editing
from samplers.entropy_bound import EntropyBound
from samplers.eoser import Eoser, ascending_blocks
from samplers.fastdream import CarriedOver, FirstAlone
from samplers.hierarchy import Hierarchy
from samplers.klass import Klass
from samplers.localleap import LocalLeap
from samplers.maskgit import MaskGit
from samplers.overrides import BlockStop, EarlyExit
from samplers.prophet import AnswerKnown, CommitWhen
from samplers.rcr import TakeBackLeastSure
from samplers.scores import Confidence, LeftToRight
from samplers.selections import Bernoulli, Factor, Threshold
from samplers.slowfast import SlowFast
from samplers.stops import AnyOf
from samplers.thresholds import ThresholdDinfer, ThresholdLeading, ThresholdWithin
from samplers.wino import NarrowOut, WideIn

ROWS = dllm.rows([[1]], 4)


@dllm.part
class Blind:
    """A model that cannot look again."""

    def logits(self, canvas: Any, start: Any, window: int) -> Any:
        return random_chain(0).logits(canvas, start, window)


def test_refuses_a_model_that_has_no_review() -> None:
    message = r"the scheduler needs 'hindsight', and so a model with a method review .* got Blind"
    with pytest.raises(TypeError, match=message):
        dllm.decode(Blind(), ROWS, dllm.rule("wino"))


def _decode(name: str) -> dllm.Decoded:
    """With a vocabulary that is not the model's."""
    return dllm.decode(random_chain(0, 16), dllm.rows([[1]], 4), dllm.rule(name, vocab=9))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EarlyExit(-1, 2), "EarlyExit: eos must be at least 0, got -1"),
        (lambda: EarlyExit(2, -1), "EarlyExit: pad must be at least 0, got -1"),
        (
            lambda: ThresholdLeading(1.2),
            r"ThresholdLeading: threshold must be in \[0.0, 1.0\], got 1.2",
        ),
        (lambda: LocalLeap(1.2), r"LocalLeap: threshold must be in \[0.0, 1.0\], got 1.2"),
        (lambda: LocalLeap(0.9, -1), r"LocalLeap: relaxed_threshold must be in \[0.0, 1.0\], got"),
        (lambda: LocalLeap(radius=-1), "LocalLeap: radius must be at least 0, got -1"),
        (lambda: ThresholdDinfer(2), r"ThresholdDinfer: threshold must be in \[0.0, 1.0\], got 2"),
        (lambda: ThresholdWithin(2), r"ThresholdWithin: threshold must be in \[0.0, 1.0\], got 2"),
        (lambda: Hierarchy(2.0), r"Hierarchy: threshold must be in \[0.0, 1.0\], got 2.0"),
        (lambda: Hierarchy(1, 2), r"Hierarchy: low_threshold must be in \[0.0, 1.0\], got 2.0"),
        (lambda: BlockStop(-1), "BlockStop: eos must be at least 0, got -1"),
        (lambda: AnswerKnown(-1), "AnswerKnown: answer_start must be at least 0, got -1"),
        (lambda: AnswerKnown(0, 0), "AnswerKnown: answer_length must be at least 1, got 0"),
        (
            lambda: AnswerKnown(0, suffix=()),
            "AnswerKnown: suffix must hold at least one token id, got none",
        ),
        (lambda: AnswerKnown(0, suffix=(-1,)), "AnswerKnown: suffix must be at least 0, got -1"),
        (lambda: AnswerKnown(0, 5, 0), "AnswerKnown: max_steps must be at least 1, got 0"),
        (lambda: AnswerKnown(0, mid=-1), "AnswerKnown: mid must be at least 0.0, got -1.0"),
        (lambda: Eoser(Confidence(), -1), "Eoser: eos must be at least 0, got -1"),
        (lambda: Eoser(Confidence(), 1, 0), "Eoser: max_steps must be at least 1, got 0"),
        (lambda: Eoser(Confidence(), 1, 8, 2), r"Eoser: eos_min_gamma must be in \[0.0, 1.0\], g"),
        (lambda: Eoser(Confidence(), 1, 8, 0, 2), r"Eoser: eos_max_gamma must be in \[0.0, 1.0\]"),
        (
            lambda: Eoser(Confidence(), 1, ramp="day"),
            r"Eoser: ramp must be one of \('row', 'block', 'doubling'\), got 'day'",
        ),
        (
            lambda: Eoser(LeftToRight(), 1),
            "Eoser: score must be a log probability, and LeftToRight gives none",
        ),
        (lambda: ascending_blocks(1, 1), "ascending_blocks: gen_length must be at least 2, got 1"),
        (lambda: ascending_blocks(8, 4), r"ascending_blocks: block_num must be in \[1, 3\], got 4"),
        (lambda: Credit(1), "Credit: vocab must be at least 2, got 1"),
        (lambda: Credit(9, -1), "Credit: credit_alpha must be at least 0.0, got -1.0"),
        (lambda: Credit(9, 1, -1), "Credit: boost_gamma must be at least 0.0, got -1.0"),
        (lambda: Credit(9, 1, 1, 2), r"Credit: decay_beta must be in \[0.0, 1.0\], got 2.0"),
        (lambda: Klass(1), "Klass: vocab must be at least 2, got 1"),
        (lambda: Klass(9, 2), r"Klass: conf_threshold must be in \[0.0, 1.0\], got 2.0"),
        (lambda: Klass(9, 1, -1), "Klass: kl_threshold must be at least 0.0, got -1.0"),
        (lambda: Klass(9, 1, 1, 0), "Klass: kl_history_length must be at least 1, got 0"),
        (
            lambda: Klass(9, unmask_strategy="best"),
            r"Klass: unmask_strategy must be one of \('all', 'max_conf', 'min_kl'\), got 'best'",
        ),
        (lambda: MaskGit.of(0), "MaskGit: steps must be at least 1, got 0"),
        (lambda: MaskGit.of(8, blocks=0), "MaskGit: blocks must be at least 1, got 0"),
        (lambda: MaskGit.of(8, blocks=3), "MaskGit: blocks must divide steps, got 8 steps, 3 blo"),
        (
            lambda: MaskGit.of(8, "cubic"),
            "MaskGit: mode must be one of linear, cosine, pow2, got 'cubic'",
        ),
        (
            lambda: TakeBackLeastSure(MaskGit.of(4), "row"),
            r"TakeBackLeastSure: reach must be one of \('block', 'before'\), got 'row'",
        ),
        (lambda: dllm.rule("remdm", remdm_steps=-1), "RemdmLoop: remdm_steps must be at least 0"),
        (lambda: dllm.rule("remdm", remdm_number=0), "RemdmLoop: remdm_number must be at least 1"),
        (lambda: CarriedOver(0), "CarriedOver: steps must be at least 1, got 0"),
        (lambda: EntropyBound(-1), "EntropyBound: gamma must be at least 0.0, got -1.0"),
        (
            lambda: EntropyBound(1, "first"),
            r"EntropyBound: without must be one of \('largest', 'last'\), got 'first'",
        ),
        (lambda: Dilated(1), "Dilated: base must be at least 2, got 1"),
        (lambda: Dilated(2, 2), r"Dilated: remasking_threshold must be in \[0.0, 1.0\], got 2.0"),
        (lambda: SlowFast(2), r"SlowFast: high_threshold must be in \[0.0, 1.0\], got 2.0"),
        (lambda: SlowFast(1, 2), r"SlowFast: cycle_threshold must be in \[0.0, 1.0\], got 2.0"),
        (lambda: SlowFast(1, 1, 1), "SlowFast: exploration_steps must be at least 2, got 1"),
        (lambda: WideIn(2), r"WideIn: threshold must be in \[0.0, 1.0\], got 2.0"),
        (lambda: NarrowOut(2), r"NarrowOut: threshold_back must be in \[0.0, 1.0\], got 2.0"),
        (
            lambda: NarrowOut(1, limit="row"),
            r"NarrowOut: limit must be one of \('step', 'last'\), got 'row'",
        ),
        (lambda: Editing(2), r"Editing: threshold must be in \[0.0, 1.0\], got 2.0"),
        (lambda: Editing(1, 2), r"Editing: editing_threshold must be in \[0.0, 1.0\], got 2.0"),
        (lambda: Editing(1, 1, -1), "Editing: max_post_steps must be at least 0, got -1"),
        (lambda: Editing(1, 1, 1, 0), "Editing: tokens must be at least 1, got 0"),
        (lambda: Factor(-1), "Factor: factor must be at least 0.0, got -1.0"),
        (
            lambda: Factor(1, "first"),
            r"Factor: last must be one of \('bound', 'free', 'waits'\), got 'first'",
        ),
        (
            lambda: dllm.rule("editing+llada"),
            "combine: rule already decides what to write, got also budget",
        ),
        (
            lambda: dllm.decode(random_chain(0), ROWS, dllm.rule("wino"), cache="dual"),
            "decode: cache 'dual' keeps nothing of shadows, but the scheduler reads them",
        ),
        (
            lambda: dllm.decode(random_chain(0), ROWS, dllm.rule("klass", vocab=16), cache="dual"),
            "decode: cache 'dual' computes the block alone, but the scheduler reads beyond it",
        ),
        (
            lambda: dllm.rule("localleap+llada"),
            "combine: LocalLeap decides by itself how many positions to write, so a budget has no",
        ),
        (
            lambda: dllm.rule("left_to_right+hierarchy"),
            "combine: Hierarchy compares scores with probabilities, and LeftToRight gives none",
        ),
        (
            lambda: dllm.rule("first_alone+threshold+llada"),
            "combine: FirstAlone decides by itself how many positions to write, so a budget has n",
        ),
        (
            lambda: combine(score=Confidence(), select=FirstAlone(Bernoulli(Dream.of(4)))),
            "combine: FirstAlone looks at no score, so a score has no effect; got Confidence",
        ),
        (
            lambda: dllm.rule("rcr+llada"),
            "scheduler: rcr and llada both decide the budget",
        ),
        (lambda: dllm.rule("klass+threshold", vocab=9), "klass and threshold both decide the sel"),
        (lambda: dllm.rule("klass"), "klass: option vocab has to be given"),
        (lambda: dllm.rule("prophet"), "prophet: option answer_start has to be given"),
        (lambda: _decode("klass"), "Klass: vocab must be the model's 16, got 9"),
        (lambda: _decode("credit"), "Credit: vocab must be the model's 16, g"),
    ],
)
def test_refusals(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


CLASS: Any = Threshold
"""Where an instance belongs."""


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CommitWhen(CLASS), "CommitWhen: when got the class Threshold and not an instanc"),
        (lambda: AnyOf((CLASS,)), "AnyOf: stop got the class Threshold and not an instance"),
        (lambda: FirstAlone(CLASS), "FirstAlone: select got the class Threshold and not an insta"),
        (lambda: Eoser(CLASS, 1), "Eoser: score got the class Threshold and not an instance"),
        (lambda: combine(revise=CLASS), "combine: revise got the class Threshold and not an inst"),
        (lambda: combine(stop=[CLASS]), "combine: stop got the class Threshold and not an instan"),
    ],
)
def test_refuses_classes(make: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make()
