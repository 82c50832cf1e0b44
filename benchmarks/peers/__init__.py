"""What others do, written anew in their style, to measure against in the same run."""
