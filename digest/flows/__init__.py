"""One module per use case; each joins pure decisions to the store, the sources and the mail."""
