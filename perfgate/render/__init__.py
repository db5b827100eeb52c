"""A decision as text: terminal, Markdown, annotations. No arithmetic."""
