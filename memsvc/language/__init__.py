"""What memsvc knows about language without a model: words, lexical vectors and time expressions."""
