"""Shapes of public models, as config.json files by preset name."""
