"""Consolidation: memories that repeat, replace or belong to one another are brought together (pure)."""
