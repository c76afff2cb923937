"""A small OpenAI-compatible server: base models and adapters of the lake behind /v1/chat/completions, answers of many at once.

For rehearsals, comparisons and tests on one machine. Throughput belongs to vLLM or llama.cpp, which load the same files.
"""
