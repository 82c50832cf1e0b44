"""Runs in the files of ParallelBench: the harness's folders, the site's tables, and their check."""
