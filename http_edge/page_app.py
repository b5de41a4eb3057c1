"""The page as an app: what browsers are told so that it can be installed, and opens where there is no network."""

import hashlib
import json
from collections.abc import Container
from pathlib import Path

from superscaling.format_name import names_of
from superscaling.pictures import FORMATS

# Of the page's files, those that are worth having where there is no service: all but /docs and the icons of the app.
LEFT_OUT = ("docs.", "vendor/swagger-ui/", "app-icon-")
# The colour of the page's ground, as in page.css.
GROUND = "#f4f4f1"


def app_manifest() -> str:
    """The web app manifest (W3C). Its addresses are relative: a proxy may serve the page below a path.

    Shared pictures are posted to `share`, which the service worker takes in the browser: the service has no such path.
    """
    icons = [
        {"src": "web/icon.svg", "type": "image/svg+xml", "sizes": "any"},
        *({"src": f"web/app-icon-{size}.png", "type": "image/png", "sizes": f"{size}x{size}"} for size in (192, 512)),
        {"src": "web/app-icon-maskable.png", "type": "image/png", "sizes": "512x512", "purpose": "maskable"},
    ]
    accepted = {each.media_type: [f".{name}" for name in names_of(each.name)] for each in FORMATS.values()}
    return json.dumps(
        {
            "name": "Image super-scaling",
            "short_name": "Super-scaling",
            "description": "Enlarges pictures with a neural network.",
            "start_url": "./",
            "scope": "./",
            "display": "standalone",
            "theme_color": GROUND,
            "background_color": GROUND,
            "icons": icons,
            "share_target": {
                "action": "share",
                "method": "POST",
                "enctype": "multipart/form-data",
                "params": {"files": [{"name": "image", "accept": ["image/*"]}]},
            },
            "file_handlers": [{"action": "./", "accept": accepted}],
        }
    )


def kept_files(static: Path, served: Container[str]) -> list[str]:
    """The names of the page's files, of the kinds that are served, that its worker keeps, in order."""
    names = (path.relative_to(static).as_posix() for path in static.rglob("*") if path.suffix in served)
    return sorted(name for name in names if not name.startswith(LEFT_OUT))


def edition(web: Path) -> str:
    """A name for the state of all files of the page: with another one, browsers replace what they have kept."""
    digest = hashlib.sha256()
    for path in sorted(path for path in web.rglob("*") if path.is_file()):
        digest.update(path.relative_to(web).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
