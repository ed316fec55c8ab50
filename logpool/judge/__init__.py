"""Lifecycles -> what they mean: figures, books, findings."""
