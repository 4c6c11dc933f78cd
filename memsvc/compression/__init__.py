"""Stage one: turns of a session become memories that tell them in their own words."""
