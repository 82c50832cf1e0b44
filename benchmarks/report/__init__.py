"""Finished runs side by side: tables, pairs, plots, single decodes, the setting to choose."""
