"""The dashboard: one file a page."""
