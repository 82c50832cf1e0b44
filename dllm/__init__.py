"""dllm: masked-diffusion language models decoded in parallel, in JAX.

    import dllm

    model = dllm.load("GSAI-ML/LLaDA-8B-Instruct")
    print(dllm.generate(model, "Why is the sky blue?", scheduler="threshold").text)

`generate`, `stream`, `infill` and `score` take a loaded checkpoint and text. Below is the loop:

    language = dllm.toy.sentences()
    rows = dllm.rows([[0]], gen_length=24, block_length=8)
    ended = dllm.decode(language.denoiser, rows, dllm.rule("threshold", threshold=0.9))
    print(language.spell(ended.canvas[0]), ended.forwards)

`decode` takes a model, rows and a scheduler; `rule` names the published schedulers, `combine` puts
new ones together, `scheduler` declares your own and `check` holds it against the contract in
`samplers.base`.
"""

from dllm import noise, toy
from dllm.caches import Cached, Span
from dllm.canvas import Rows, blocks, rows
from dllm.check import ContractError, Report, check
from dllm.collect import Interrupted
from dllm.convert import convert
from dllm.decode import Decoded, decode, python_while_loop
from dllm.forward import Constraint, Denoiser, Headed, Reviewing
from dllm.generate import generate
from dllm.infill import Hole, infill, parse_template
from dllm.languages import Languages
from dllm.load import Model, load
from dllm.models.config import CheckpointError
from dllm.pool import Pooled, decode_many
from dllm.propose import Proposal
from dllm.results import Generation, Infilling
from dllm.row import Cache, Kind, Outcome
from dllm.rules import Choice, rule, sweep
from dllm.score import score
from dllm.sharding import make_mesh
from dllm.stores import BlockCausal
from dllm.stream import Chunk, stream
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
    "BlockCausal",
    "Cache",
    "Cached",
    "CheckpointError",
    "Choice",
    "Chunk",
    "Constraint",
    "ContractError",
    "Decoded",
    "Denoiser",
    "Generation",
    "Headed",
    "Hole",
    "Infilling",
    "Interrupted",
    "Kind",
    "Languages",
    "Model",
    "Move",
    "Outcome",
    "Place",
    "Pooled",
    "Prediction",
    "Proposal",
    "Report",
    "Reviewing",
    "Rows",
    "Scheduler",
    "Span",
    "View",
    "blocks",
    "check",
    "combine",
    "convert",
    "decode",
    "decode_many",
    "eligible",
    "filled",
    "generate",
    "infill",
    "load",
    "make_mesh",
    "noise",
    "parse_template",
    "part",
    "python_while_loop",
    "rank",
    "rows",
    "rule",
    "scheduler",
    "score",
    "static",
    "stream",
    "sweep",
    "toy",
    "uniform",
    "write",
]
