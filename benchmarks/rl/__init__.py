"""Recipes of reinforcement learning with the benchmark's tasks: graders are the rewards."""
