"""The demo's labelled messages, written for it: where they are."""

from pathlib import Path

DEMO_FILE = Path(__file__).with_name("support_messages.jsonl")
