"""Grammars over lexemes: any context-free grammar above a lexer, for text with holes.

A lexer cuts bytes into lexemes, a pushdown machine reads the kinds of lexemes, and the two are run
side by side over the lattice of what the tokens of a canvas may write.
"""
