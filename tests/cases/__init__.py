"""Conversations with what must be remembered of them, and the figures that a whole service reaches on them.

`python -m cases [ID-PREFIX ...]` with `tests` on the path prints the figures and every failure without judging them.
"""
