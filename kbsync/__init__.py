"""Keep a folder and a knowledge base the same."""

__version__ = "0.1.0"
