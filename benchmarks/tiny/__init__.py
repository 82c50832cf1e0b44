"""A model small enough to be trained on a CPU, for the embedded suite."""

from pathlib import Path

FOLDER = Path(__file__).parent / "checkpoint"
"""Where its checkpoint is looked for."""
