"""Composition root: turns settings into running parts. The only place that chooses adapters."""
