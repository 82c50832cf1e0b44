"""The loop of reinforcement learning: draw answers, judge them, learn from how they were written.

Everything in a rollout follows from the weights and (seed, number of the rollout), and checkpoints
are made between rollouts: a run that was cut off goes on bit for bit.
"""

import dataclasses
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dllm.hub import folder_of
from dllm.load import Model
from dllm.models.export import save
from dllm.models.network import Network
from dllm.requests import ids_of
from dllm.rl.items import Items, pack
from dllm.rl.objective import advantages, weights
from dllm.rl.rewards import Judged, Questions, Reward, RewardError, judge, refuse_bad_rewards
from dllm.rl.rollouts import Rollout, draw, roll, seeds_of, transitions, window_of
from dllm.rl.settings import Settings
from dllm.rl.update import Metrics, begin, learn, make_programs, whole
from dllm.rules import rule
from dllm.train.checkpoints import Checkpoints
from dllm.train.loop import Evaluate, due
from dllm.train.metrics import Bar, Journal, NotFiniteError, mean
from dllm.train.resume import deciding, refuse_other
from dllm.train.start import starting_model
from dllm.train.step import FINE, State, leniently

TABLES = ("rollout", "optimizer", "objective", "lora", "run", "model")
"""Of the settings, what decides the losses."""


def train(
    settings: Settings,
    questions: Questions,
    rewards: Sequence[Reward],
    *,
    out: str | Path,
    model: Model | None = None,
    evaluate: Evaluate | None = None,
    progress: bool | None = None,
) -> Model:
    """Trains to the last update, from the newest checkpoint in `out` if there is one.

    `out` gets `metrics.jsonl`, `checkpoints/` and, at the end, `model/`, which `dllm.load` reads.
    A new run starts from `model` (left out: what `settings.model` says), which is also what the
    divergence is measured from. An answer is worth the sum of all `rewards`. `evaluate` is called
    before the first update and every `run.evaluate_every` updates. `progress` shows a bar (left
    out: on a terminal).

    Raises:
        RewardError: a reward raised, or gave something that is no finite number.
        NotFiniteError: a loss or gradient is not finite.
        CheckpointWriteError: the disk is full.
        ValueError: settings, questions and model do not go together.
    """
    refuse_bad_rewards(rewards)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    model = starting_model(settings.model, out, settings.run.seed, model)
    _refuse_misfit(settings, model)
    run = _Run(settings, model, questions, rewards, out, evaluate)
    with closing(run), _Bar(int(run.state.step), settings.optimizer.steps, progress) as bar:
        run.go(bar)
        trained = run.model()
    save(trained, out / "model", files=folder_of(model.name), dtype=settings.run.export)
    return trained


def _refuse_misfit(settings: Settings, model: Model) -> None:
    if model.tokenizer is None:
        raise ValueError(f"{model.name}: training needs a tokenizer, the checkpoint has none")
    most, positions = model.config.max_length, settings.rollout.positions
    if positions > most:
        raise ValueError(f"rollout.positions must be at most the model's {most}, got {positions}")
    if model.network.mesh is not None:
        raise ValueError(
            f"{model.name}: must be loaded without a mesh, because a run uses one device"
        )


class _Run:
    """A run under way."""

    def __init__(
        self,
        settings: Settings,
        model: Model,
        questions: Questions,
        rewards: Sequence[Reward],
        out: Path,
        evaluate: Evaluate | None,
    ) -> None:
        self._settings, self._model, self._evaluate = settings, model, evaluate
        self._questions, self._rewards = questions, rewards
        asked = settings.rollout
        self._scheduler = rule(asked.scheduler, ids=ids_of(model), **asked.options)
        self._window = window_of(model, asked)
        self._programs = make_programs(settings, model.network)
        self._checkpoints = Checkpoints(out / "checkpoints", settings.run.keep)
        fresh = self._checkpoints.latest is None
        refuse_other(deciding(settings, TABLES), out / "settings.json", fresh=fresh)
        self.state: State = begin(settings, model.network)
        if not fresh:
            self.state = self._checkpoints.restore(self.state)
        # Of a run that never came to a checkpoint, nothing is kept: it is evaluated again.
        self._journal = Journal(out / "metrics.jsonl", -1 if fresh else int(self.state.step))

    def go(self, bar: Bar) -> None:
        """All updates that are left."""
        settings, updates = self._settings, self._settings.objective.updates
        try:
            begun = int(self.state.step)
            if not self._journal.evaluated:  # also where a run was cut off before it was
                self._evaluate_if_due(begun)
            for number in range(begun // updates, settings.optimizer.steps // updates):
                bar.see(self._round(number))
                self._write((number + 1) * updates)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"while training; {self._checkpoints.kept}") from None
        except (RewardError, NotFiniteError) as error:
            raise type(error)(f"{error}; {self._checkpoints.kept}") from error.__cause__

    def model(self) -> Model:
        """The model as it is evaluated and exported, of arrays of its own."""
        params = self.state.params if self.state.ema is None else self.state.ema
        base = self._model.network
        state = whole(self._settings.lora, params, base.state)
        return self._holding(Network(jax.tree.map(jnp.copy, state), base.mask, base.graph))

    def close(self) -> None:
        """Closes the files."""
        self._journal.close()
        self._checkpoints.close()

    def _round(self, number: int) -> dict[str, Any]:
        """A rollout and its inner updates; what is said of them."""
        settings, base = self._settings, self._model.network.state
        begun = self._journal.seconds
        rollout = self._rollout(number)
        drawn = self._journal.seconds - begun
        judged = judge(self._rewards, rollout.questions, rollout.texts)
        items = self._items(rollout, judged.totals)
        told = (self._programs, settings.objective, self.state, base, items)
        self.state, found = learn(*told)
        return self._tell(number, rollout, judged, jax.device_get(found), drawn)

    def _rollout(self, number: int) -> Rollout:
        """Answers of the policy as it is now."""
        asked, seed = self._settings.rollout, self._settings.run.seed
        held = (self.state.params, self._model.network.state)
        policy = leniently(self._programs.network, *held)
        model = self._holding(policy)
        asking = draw(model, self._questions, asked, seed, number)
        return roll(model, self._scheduler, asking, asked, seeds_of(asked, seed, number))

    def _items(self, rollout: Rollout, totals: np.ndarray) -> Items:
        """What the policy is asked about, and what the answers count."""
        settings = self._settings
        made = transitions(rollout, self._window)
        counts = weights(made.written, rollout.steps, settings.objective.normalisation)
        gains = advantages(totals, settings.rollout.group)
        return pack(made, rollout.start, np.asarray(counts), np.asarray(gains), settings.piece)

    def _holding(self, network: Network) -> Model:
        return dataclasses.replace(self._model, network=network)

    def _tell(
        self, number: int, rollout: Rollout, judged: Judged, found: list[Metrics], drawn: float
    ) -> dict[str, Any]:
        """Writes what a rollout and its updates say; numbers of updates are means over them.

        Raises:
            NotFiniteError: the loss or gradient of one was not finite.
        """
        updates, group = len(found), self._settings.rollout.group
        for at, metrics in enumerate(found):
            if metrics.failed != FINE:
                raise NotFiniteError(
                    f"update {number * updates + at + 1}: loss and gradient must be finite, got "
                    f"loss {metrics.measured.loss} and gradient norm {metrics.grad_norm}"
                )
        groups = judged.totals.reshape(-1, group)
        self._journal.examples += len(rollout.texts)

        def over(name: str) -> float:
            return float(np.mean([getattr(metrics.measured, name) for metrics in found]))

        row = {
            "step": (number + 1) * updates,
            "loss": over("loss"),
            "reward": float(judged.totals.mean()),
            "rewards": judged.means,
            "spread": float(groups.std(axis=1).mean()),
            "kl": over("kl") if self._settings.objective.beta else None,
            "clip_ratio": over("clipped"),
            "forwards": float(rollout.forwards.mean()),
            "grad_norm": float(np.mean([metrics.grad_norm for metrics in found])),
            "learning_rate": float(found[-1].learning_rate),
            "examples": self._journal.examples,
            "seconds": round(self._journal.seconds, 3),
            "drawing": round(drawn, 3),
        }
        self._journal.write(row)
        return row

    def _write(self, number: int) -> None:
        saving = self._is_due(number, self._settings.run.checkpoint_every)
        if saving or self._is_due(number, self._settings.run.log_every):
            self._journal.flush()
        if saving:  # before an evaluation, whose code is not this module's
            self._checkpoints.save(number, self.state)
        self._evaluate_if_due(number)

    def _evaluate_if_due(self, number: int) -> None:
        if self._evaluate is None or not self._is_due(number, self._settings.run.evaluate_every):
            return
        self._journal.evaluation(number, self._evaluate(number, self.model()))
        self._journal.flush()

    def _is_due(self, number: int, every: int) -> bool:
        """After a rollout's updates; at 0 everything is."""
        settings = self._settings
        last = number == settings.optimizer.steps
        return due(number, every, last, settings.objective.updates)


class _Bar(Bar):
    """Also says what answers are worth."""

    def says(self, rows: Sequence[dict[str, Any]]) -> str:
        """Reward and forwards of the last answers."""
        return f"reward {mean(rows, 'reward'):.3f}, {mean(rows, 'forwards'):.1f} forwards"
