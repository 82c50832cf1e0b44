"""The algorithms once more, as plain NumPy in float64, written from their descriptions.

They share no code with the product. Each sampler takes a `predict(canvas) -> logits` function, one
row at a time, and returns the canvases before each model call and the final one.
"""
