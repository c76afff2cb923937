"""Sample logs of the tasks beside tutoring: one module makes the content of one task, generate.py makes log rows of it.

What a valid answer of a task is stands in lyo_pipelines/tasks, which is above this room; tests hold the two together.
"""
