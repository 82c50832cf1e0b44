"""Tiny checkpoints of every family with their logits: made here, read anywhere."""
