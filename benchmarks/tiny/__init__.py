"""A model small enough to be trained on a CPU: its tokenizer and what it is trained on."""
