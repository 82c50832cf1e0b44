"""The commands of `python -m benchmarks` that have to do with tasks; one file each."""
