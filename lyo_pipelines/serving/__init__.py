"""The gateway: an OpenAI-compatible door that routes by user, a journal that becomes rows of the inbox, feedback, keys, and the page.

Who writes the answers is in engines/: a base with many adapters in this process, llama.cpp, or a server elsewhere. `lyo serve` is the
door alone, without keys and journal, for rehearsals and comparisons.
"""
