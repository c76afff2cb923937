"""Paths of the lake and whole-or-nothing writes. What the files mean belongs to the rooms above."""
