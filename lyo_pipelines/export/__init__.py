"""Models and adapters as files of other programs (GGUF for llama.cpp, a Modelfile for Ollama), and the proof that they answer alike.

Merging an adapter belongs to training/engine/merge.py; serving what was written here to serving/.
"""
