"""Capture by doing: run, read, ask, and hand over measurements."""
