"""Readers are made for workers that run only blocks, which must stay small."""

import subprocess
import sys


def test_reading_needs_no_numerical_library() -> None:
    code = "import sys, app.domain.references; print({'numpy', 'scipy', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
