"""What ParallelBench's leaderboard counts: its tasks, methods and grids, speed and ranking."""
