"""dllm: masked-diffusion language models decoded in parallel, in JAX.

    import dllm

    language = dllm.toy.sentences()
    rows = dllm.rows([[0]], gen_length=24, block_length=8)
    ended = dllm.decode(language.denoiser, rows, dllm.rule("threshold", threshold=0.9))
    print(language.spell(ended.canvas[0]), ended.forwards)

`decode` takes a model, rows and a scheduler; `rule` names the published schedulers, `combine` puts
new ones together, `scheduler` declares your own and `check` holds it against the contract in
`samplers.base`.
"""

from dllm import noise, toy
from dllm.canvas import Rows, blocks, rows
from dllm.check import ContractError, Report, check
from dllm.decode import Decoded, decode, python_while_loop
from dllm.forward import Constraint, Denoiser
from dllm.pool import Pooled, decode_many
from dllm.propose import Proposal
from dllm.row import Kind, Outcome
from dllm.rules import Choice, rule, sweep
from samplers import (
    MASK,
    VOID,
    Move,
    Place,
    Prediction,
    Scheduler,
    View,
    combine,
    part,
    scheduler,
    static,
)
from samplers.ranking import eligible, filled, rank, uniform, write

__all__ = [
    "MASK",
    "VOID",
    "Choice",
    "Constraint",
    "ContractError",
    "Decoded",
    "Denoiser",
    "Kind",
    "Move",
    "Outcome",
    "Place",
    "Pooled",
    "Prediction",
    "Proposal",
    "Report",
    "Rows",
    "Scheduler",
    "View",
    "blocks",
    "check",
    "combine",
    "decode",
    "decode_many",
    "eligible",
    "filled",
    "noise",
    "part",
    "python_while_loop",
    "rank",
    "rows",
    "rule",
    "scheduler",
    "static",
    "sweep",
    "toy",
    "uniform",
    "write",
]
