"""The worker's processes. They have no terminal, so structlog is loaded without rich: 4 MB less in each of them."""

import sys

if "structlog" not in sys.modules and "rich" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment]  # how Python marks what cannot be imported
    import structlog  # noqa: F401

    del sys.modules["rich"]
