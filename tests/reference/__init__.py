"""Checks our statistics against tables of figures from independent libraries: `python -m tests.reference FILE.json`."""
