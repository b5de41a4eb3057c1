"""The code's own structure: imports point one way, foreign packages have one home, importing does nothing."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

# From the edge to the core: a module may import from its own layer and from those below.
LAYERS = [
    ["flask_app"],
    ["http_edge"],
    ["resources"],
    ["bake", "health", "upscale"],
    ["composition"],
    ["prepare", "convert"],
    ["resource_ping", "resource_ready", "resource_upscale", "resource_estimate"],
    ["message_protocol"],
    ["picture_upscaler"],
    ["image_codec"],
    ["super_resolution"],
    ["logs"],
    ["settings"],
    ["errors"],
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}

# Within a package, from the top as well.
WITHIN = {
    "super_resolution": [
        *("conversion", "quantisation", "opening", "upscaler", "engine_openvino", "engine_tensorflow", "model_files"),
        *("gate", "weights"),
        *("backlog", "round_robin", "lane", "work", "renewal", "self_ensemble", "engine", "speed"),
        *("tiling", "cpus"),
    ],
    "image_codec": [
        *(
            "glimpse",
            "encoding",
            "gif_writing",
            "palette",
            "tiff_writing",
            "cmyk_profile",
            "decoding",
            "measuring",
            "gif_parts",
            "apng_parts",
            "animation",
        ),
        *("opening", "metadata", "structure", "structure_tiff", "limits", "picture", "formats", "chunks"),
    ],
}
INNER_RANK = {f"{package}.{name}": rank for package, names in WITHIN.items() for rank, name in enumerate(names)}

HOMES = {
    "flask": ("flask_app.py", "http_edge/"),
    "werkzeug": ("http_edge/",),
    "gunicorn": ("http_edge/",),
    "PIL": ("image_codec/",),
    "prometheus_client": ("http_edge/metrics.py",),
    "tqdm": ("upscale/",),
    "pydantic": ("message_protocol/", "http_edge/openapi.py"),
    "tensorflow": ("super_resolution/engine_tensorflow.py",),
    "ISR": ("super_resolution/engine_tensorflow.py",),
    "openvino": ("super_resolution/engine_openvino.py", "super_resolution/quantisation.py"),
    "nncf": ("super_resolution/quantisation.py",),
}
PRODUCT = [path for path in sorted(ROOT.rglob("*.py")) if path.relative_to(ROOT).parts[0].removesuffix(".py") in RANK]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield str(node.module)


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_there_is_something_to_test() -> None:
    assert {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in PRODUCT} == set(RANK)


@pytest.mark.parametrize("path", PRODUCT, ids=relative)
def test_imports_point_down(path: Path) -> None:
    own = RANK[path.relative_to(ROOT).parts[0].removesuffix(".py")]
    for name in imports(path):
        top = name.partition(".")[0]
        assert RANK.get(top, own) >= own, f"{relative(path)} imports {name}, which is above it"
        assert top not in ("benchmarks", "training", "tests"), f"{relative(path)} imports {name}"


@pytest.mark.parametrize(
    "path", [path for name in WITHIN for path in sorted((ROOT / name).glob("[!_]*.py"))], ids=relative
)
def test_imports_within_a_package_point_down(path: Path) -> None:
    own = INNER_RANK[f"{path.parent.name}.{path.stem}"]
    for name in imports(path):
        assert INNER_RANK.get(name, own + 1) > own, f"{relative(path)} imports {name}"


@pytest.mark.parametrize("path", PRODUCT, ids=relative)
def test_foreign_packages_have_one_home(path: Path) -> None:
    for name in imports(path):
        homes = HOMES.get(name.partition(".")[0])
        assert homes is None or relative(path).startswith(homes), f"{relative(path)} imports {name}"


@pytest.mark.parametrize("path", PRODUCT, ids=relative)
def test_only_settings_reads_the_environment(path: Path) -> None:
    if path.name != "settings.py":
        text = path.read_text()
        assert "environ[" not in text.replace("environ[CLOSE", "").replace('environ["wsgi.input"]', "")
        assert "os.environ" not in text
        assert "getenv" not in text


def test_importing_does_nothing(tmp_path: Path) -> None:
    """No file, no thread, no engine: for every module but the composition root and what imports it."""
    modules = [
        relative(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for path in PRODUCT
        if path.stem not in ("flask_app", "resources", "engine_tensorflow", "conversion", "quantisation")
    ]
    code = f"""
import importlib, os, sys, threading
for module in {modules!r}:
    importlib.import_module(module)
assert threading.active_count() == 1, threading.enumerate()
assert "tensorflow" not in sys.modules
assert "resources" not in sys.modules
assert os.listdir() == [], os.listdir()
"""
    environ = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environ, check=True, timeout=60)


def test_isr_leaves_no_log_file(tmp_path: Path) -> None:
    code = "import os, super_resolution.engine_tensorflow; assert os.listdir() == [], os.listdir()"
    environ = {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environ, check=True, timeout=120)


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-serve.txt", "requirements-dev.txt"])
def test_locks_are_hashed_and_name_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    requirements = [line for line in text.splitlines() if line[:1].isalpha()]
    assert requirements
    assert all("==" in line for line in requirements)
    assert text.count("--hash=sha256:") >= len(requirements)
    names = {line.partition("==")[0] for line in requirements}
    assert "openvino-telemetry" not in names
    assert ("tensorflow-cpu" in names) == (lock != "requirements-serve.txt")


def test_locks_agree() -> None:
    def pins(lock: str) -> set[str]:
        return {line for line in (ROOT / lock).read_text().splitlines() if line[:1].isalpha()}

    assert pins("requirements-serve.txt") < pins("requirements.txt") < pins("requirements-dev.txt")
