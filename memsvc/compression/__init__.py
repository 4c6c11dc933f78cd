"""Stage one: turns of a session become self-contained statements."""
