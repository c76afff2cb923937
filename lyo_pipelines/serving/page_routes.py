"""The page for people at `/`: three plain files. What models say is put in as text, and the browser is told to run nothing else."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

_FOLDER = Path(__file__).parent / "page"
_FILES = {
    "/": ("index.html", "text/html"),
    "/page/page.css": ("page.css", "text/css"),
    "/page/page.js": ("page.js", "text/javascript"),
}
PATHS = tuple(_FILES)
_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def page_routes() -> list[BaseRoute]:
    """The page and its two files."""

    def one(path: str, file: str, kind: str) -> Route:
        async def show(_: Request) -> Response:
            return Response((_FOLDER / file).read_bytes(), media_type=kind, headers=_HEADERS)

        return Route(path, show)

    return [one(path, file, kind) for path, (file, kind) in _FILES.items()]
