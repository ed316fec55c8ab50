"""Text -> events: sources, layouts, grammars."""
