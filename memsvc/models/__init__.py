"""Adapters of the models: tokens, embeddings, analysis and surprisal."""
