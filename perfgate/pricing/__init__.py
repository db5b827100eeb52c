"""Price books: dated prices with their source, and how they are loaded."""
