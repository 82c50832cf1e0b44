"""Runs: settings times examples, decoded in a fixed plan of batches that survives being cut off."""
