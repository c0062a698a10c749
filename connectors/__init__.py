"""The built-in connectors: one file, or one folder with source.py and sink.py, per system."""
