"""Trains the built-in encoder on conversations: what a question is near to, and what it is not."""
