"""Reading dates: what is no date, the tense of a clause, the expressions of each language."""
