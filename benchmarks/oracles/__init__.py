"""Exact denoisers: what a network would learn of a task's answers with unlimited data and size.

Their marginals are right, whatever is decided already, so what a decode loses is the scheduler's
loss: it writes several positions that depend on each other without seeing the others.
"""
