"""Finding the passages of documents that a question is about, by their words. Answering from them is the gateway's."""
