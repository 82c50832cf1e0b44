"""Languages and canvases with holes: pure Python and numpy. Imports neither jax nor dllm."""
