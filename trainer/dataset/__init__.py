"""Readers of image-text datasets: one file a format."""
