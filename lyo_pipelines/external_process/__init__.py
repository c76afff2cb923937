"""The frame of a process of ours: how it is started, speaks (to a terminal or to Dagster Pipes), is stopped, and ends.

Training, evaluation and the rehearsal of a fallback each run in such a process. What they do in it belongs to their rooms.
"""
