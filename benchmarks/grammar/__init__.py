"""Grammars measured: speed of the masks, validity of decodes, cost of a step."""
