"""Our own static files: kept for ever when asked for by their content's hash, else asked again."""

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_FOREVER = "public, max-age=31536000, immutable"


class VersionedFiles(StaticFiles):
    """StaticFiles with a cache rule; an address with `v=` never changes its content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        named = scope.get("query_string", b"").startswith(b"v=")
        response.headers["cache-control"] = _FOREVER if named and response.status_code == 200 else "no-cache"
        return response
