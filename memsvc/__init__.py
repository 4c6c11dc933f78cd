"""memsvc: long-term memory for LLM agents, at a small token cost."""

__version__ = "0.1.0"
