"""Agon: prompt A/B battles that find the best prompt for each model, and prove it."""

__version__ = "0.1.0"
