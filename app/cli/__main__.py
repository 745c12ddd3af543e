"""Runs the agon command as a module, as the supervisor does."""

from app.cli import main

main()
