"""Readers of foreign training logs: one file a format."""
