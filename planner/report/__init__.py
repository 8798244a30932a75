"""The plan as a document: words, PDF, sheets. No arithmetic."""
