"""Firstlight: a daily digest of the research papers that are gaining attention."""

__version__ = "0.1.0"
