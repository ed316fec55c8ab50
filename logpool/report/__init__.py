"""The result, and its faces: text, tables."""
