"""Tasks with rules: how instances are drawn, worded, read from files and graded."""
