"""Complexity-adaptive retrieval: estimate, plan, search three views, fuse, pack."""
