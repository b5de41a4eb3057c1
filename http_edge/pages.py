"""The pages for browsers: `/`, `/docs`, and their files."""

import re
from pathlib import PurePosixPath

from flask import Blueprint, Response, abort, make_response, render_template, request, send_from_directory

from http_edge.page_app import app_manifest, edition, kept_files
from superscaling.pictures import FORMATS, MEDIA_TYPES, READABLE
from superscaling.settings import ROOT, Settings

WEB = ROOT / "web"
SAMPLES = ROOT / "sample-images"
# The samples that the page offers, and their titles. Other files of the folder are not served.
OFFERED = {
    "coffee-artefacts.jpg": "Coffee",
    "face.jpg": "Face",
    "fur-texture.png": "Fur",
    "text-and-lines.png": "Text",
    "transparent-logo.png": "Logo",
    "bouncing-ball.gif": "Animation",
}
# The kinds of files of the pages, and the licences of those that are others'. What else lies beside them is not served.
SERVED = frozenset({".js", ".css", ".svg", ".png", ".ico", ".webp", ".woff2"})
LICENCES = re.compile(r"LICENSE|NOTICE|.*\.LICENSE\.txt")
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' blob: data:",  # data: icons of /docs; blob: the user's images
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "worker-src": "'self'",
    "form-action": "'none'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in POLICY.items()),
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def pages(settings: Settings) -> Blueprint:
    """The routes for browsers.

    Args:
        settings: the page checks their limits before it sends an image.
    """
    blueprint = Blueprint("pages", __name__, template_folder=WEB / "templates")
    current, kept = edition(WEB), kept_files(WEB / "static", SERVED)

    @blueprint.get("/web/<path:filename>")
    def static(filename: str) -> Response:
        path = PurePosixPath(filename)
        if path.suffix not in SERVED and not LICENCES.fullmatch(path.name):
            abort(404)
        return send_from_directory(WEB / "static", filename)

    @blueprint.get("/")
    def index() -> Response:
        # Browsers on systems that do not know HEIC go by the suffix.
        choosable = ",".join((*MEDIA_TYPES, ".heic", ".heif", ".hif"))
        return _page(
            "index.html",
            max_body_bytes=settings.max_body_bytes,
            jobs_keep=settings.jobs_keep if settings.jobs_store else None,
            keep_minutes=settings.keep_minutes if settings.jobs_store else 0,
            takes_urls=bool(settings.url_hosts),
            has_models=bool(settings.models),
            needs_key=settings.api_keys_file is not None,
            formats=FORMATS,
            with_quality=[name for name, format_ in FORMATS.items() if format_.has_quality],
            readable=READABLE,
            choosable=choosable,
            samples=OFFERED,
        )

    @blueprint.get("/app.webmanifest")
    def manifest() -> Response:
        return _revalidated(Response(app_manifest(), mimetype="application/manifest+json"))

    @blueprint.get("/app-worker.js")
    def worker() -> Response:
        script = render_template("app-worker.js", edition=current, files=kept)
        return _revalidated(Response(script, mimetype="text/javascript"))

    @blueprint.get("/docs")
    def docs() -> Response:
        return _page("docs.html")

    @blueprint.get("/samples/<name>")
    def sample(name: str) -> Response:
        if name not in OFFERED:
            abort(404)
        return send_from_directory(SAMPLES, name)

    @blueprint.after_request
    def guard(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    return blueprint


def _page(template: str, **values: object) -> Response:
    """Render a page that the browser revalidates on each visit."""
    return _revalidated(make_response(render_template(template, **values)))


def _revalidated(response: Response) -> Response:
    response.cache_control.no_cache = True
    response.add_etag()
    response.make_conditional(request)
    return response
