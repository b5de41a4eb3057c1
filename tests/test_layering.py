"""The code's own structure: imports point one way, foreign packages have one home, importing does nothing."""

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
from conftest import ROOT

# From the edge to the core: a module may import from its own layer and from those below.
LAYERS = [
    ["flask_app", "upscale"],
    ["image_super_scaling"],
    ["resources", "http_edge"],
    [
        "resource_ping",
        "resource_ready",
        "resource_models",
        "resource_upscale",
        "resource_estimate",
        "resource_jobs",
        "resource_job_results",
        "resource_conversion",
    ],
    ["jobs"],
    ["outbound"],
    ["message_protocol"],
    ["superscaling"],
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}

# The rooms of `superscaling`, from the top as well.
ROOMS = [
    ["assembly", "commands"],
    ["enlarging", "conversion"],
    ["engines", "isolation"],
    ["scheduling", "models"],
    ["pictures", "logs"],
    ["recognition"],
    ["tracing", "log_writer"],
    ["settings", "version", "api_keys_file"],
    ["api_key_lines", "web_names", "webhook_secret"],
    ["api_keys"],
    ["upscale_options", "option_texts"],
    ["size_choice"],
    ["geometry", "format_name", "job_state", "metadata_choice", "errors", "resident_memory"],
]
ROOM_RANK = {name: rank for rank, names in enumerate(ROOMS) for name in names}
# All of `superscaling` that the messages know.
MESSAGES_KNOW = {
    "superscaling.errors",
    "superscaling.format_name",
    "superscaling.job_state",
    "superscaling.metadata_choice",
    "superscaling.option_texts",
    "superscaling.size_choice",
    "superscaling.upscale_options",
}

# Within a room: a module may import from the lines below its own.
WITHIN = {
    "commands": [
        ["bake", "import_model", "missing_packages"],
        ["prepare", "convert", "health", "keys", "sbom"],
        ["conversion_process", "licences"],
    ],
    "enlarging": [
        ["blocks", "bands"],
        ["file_upscaler"],
        ["loaded_models"],
        ["picture_upscaler"],
        ["part_upscalers"],
        ["layers"],
        ["frame_upscaler", "mixture"],
        ["upscaler"],
        ["network", "passes", "reduction", "result_sizes"],
        ["corrections"],
        ["axis", "channels", "frame_reuse", "interpolation", "self_ensemble", "tiling"],
    ],
    "engines": [["selection"], ["openvino", "tensorflow", "fingerprint"], ["engine", "cpus", "padding"]],
    "isolation": [
        ["decoders"],
        ["process"],
        ["worker", "vips_process", "vips_worker"],
        ["transfer", "watch", "confinement", "failures", "handover"],
    ],
    "scheduling": [["admission", "fair_lock"], ["deadline", "progress"], ["round_robin", "speed", "timings"]],
    "models": [
        ["store"],
        ["operator_files"],
        ["files", "external_data"],
        ["sources", "acceptance", "known_answer"],
        ["table"],
        ["weights"],
    ],
    "conversion": [
        ["from_keras", "from_ncnn", "from_network", "from_onnx", "from_plain", "from_torch", "report"],
        ["conventions"],
        ["trial", "writing", "pickles"],
        ["calibration", "halo", "quantisation", "quantisation_loss"],
        ["similarity", "network_size", "cost", "ncnn.layers"],
        ["ncnn.convolutions", "ncnn.shapes"],
        ["ncnn.arithmetic"],
        ["ncnn.tensor", "ncnn.weight_file", "ncnn.param_file"],
        ["ncnn.layer", "ncnn.reading"],
        ["last_line", "layout", "ir"],
    ],
    "pictures": [
        ["previews", "inspection", "gigantic"],
        ["encoding", "decoding", "containers.bands", "gigantic_kinds"],
        ["jpeg_reading", "heif_reading", "png_compression", "encoder_sample"],
        ["frames", "containers.gif_writing", "containers.tiff_writing", "containers.png_writing"],
        ["metadata.upright", "metadata.fitting", "metadata.writing"],
        ["metadata.from_jpeg", "metadata.from_png", "metadata.from_tiff", "metadata.from_info", "metadata.from_gif"],
        ["metadata.exif_geometry"],
        ["metadata.exif", "metadata.png_texts", "metadata.photoshop", "metadata.georeference", "metadata.xmp"],
        ["metadata.descriptions", "metadata.xmp_geometry"],
        ["metadata.xmp_regions"],
        ["metadata.resizing", "metadata.turning", "metadata.words", "metadata.xmp_text"],
        ["loading", "containers.apng", "containers.gif_reading", "containers.vips"],
        ["sixteen_bits"],
        ["opening", "guards.tiff", "guards.heif", "guards.cmyk_profile", "containers.animation"],
        ["guards.bmp", "guards.jpeg"],
        ["guards.tiff_kind"],
        ["resampling"],
        ["picture", "guards.coded_size", "containers.directory_writing"],
        ["density", "containers.chunks", "containers.tiff_opening"],
        ["containers.jpeg_outline"],
        ["containers.jpeg_segments"],
        ["containers.mapped_file", "containers.spliced"],
    ],
    "recognition": [
        ["kinds"],
        ["formats", "foreign", "raw", "bmff"],
        ["limits", "directories"],
    ],
}
INNER_RANK = {
    f"superscaling.{room}.{name}": rank
    for room, lines in WITHIN.items()
    for rank, names in enumerate(lines)
    for name in names
}

# Packages with a public list, `__all__`: nobody outside imports past it, but for tests of their modules.
LISTED = (
    *(
        f"superscaling.{room}"
        for room in ("enlarging", "engines", "isolation", "scheduling", "models", "conversion", "pictures")
    ),
    "message_protocol",
    "http_edge.gunicorn_worker",
)
# What is not on the lists, because it loads a framework: OpenVINO, TensorFlow, NNCF.
HEAVY = {
    "superscaling.conversion.conventions",
    "superscaling.conversion.ir",
    "superscaling.conversion.report",
    "superscaling.engines.openvino",
    "superscaling.engines.tensorflow",
    "superscaling.conversion.from_keras",
    "superscaling.conversion.from_ncnn",
    "superscaling.conversion.from_network",
    "superscaling.conversion.from_onnx",
    "superscaling.conversion.from_plain",
    "superscaling.conversion.from_torch",
    "superscaling.conversion.quantisation",
}

# The tools around the product, from the top; nothing of the product imports them.
TOOLS = [["docs_pictures"], ["benchmarks", "training"], ["evaluation"]]
TOOL_RANK = {name: rank for rank, names in enumerate(TOOLS) for name in names}

HOMES = {
    "flask": ("flask_app.py", "http_edge/"),
    "werkzeug": ("http_edge/",),
    "gunicorn": ("http_edge/gunicorn_worker/", "http_edge/__main__.py"),
    "PIL": ("superscaling/pictures/",),
    "pyvips": ("superscaling/pictures/containers/",),
    "pi_heif": ("superscaling/pictures/heif_reading.py",),
    "prometheus_client": ("http_edge/metrics.py", "http_edge/job_metrics.py", "http_edge/access_metrics.py"),
    "limits": ("http_edge/access/rates_",),
    "redis": (),
    "valkey": (),
    "click": ("upscale/",),
    "httpx": ("image_super_scaling/",),
    "tqdm": ("upscale/",),
    "mcp": ("upscale/mcp_",),
    "pydantic": (
        "message_protocol/",
        "http_edge/openapi",
        "jobs/records.py",
        "jobs/pictures.py",
        "upscale/mcp_server.py",
    ),
    "celery": ("jobs/engine_celery.py", "jobs/broker.py", "jobs/worker.py"),
    "kombu": ("jobs/broker.py",),
    "amqp": ("jobs/broker.py",),
    "obstore": ("jobs/s3_store.py",),
    "standardwebhooks": ("jobs/webhooks.py",),
    "opentelemetry": ("superscaling/tracing.py",),
    "tensorflow": ("superscaling/engines/tensorflow.py",),
    "ISR": ("superscaling/engines/tensorflow.py",),
    "openvino": ("superscaling/engines/openvino.py", "superscaling/conversion/"),
    "torch": ("superscaling/conversion/from_torch.py",),
    "spandrel": ("superscaling/conversion/from_torch.py",),
    "nncf": ("superscaling/conversion/quantisation.py",),
}


def files_of(name: str) -> list[Path]:
    """The file of a module at the root, or those of a package. A walk over the root would enter the environments."""
    return [ROOT / f"{name}.py"] if (ROOT / f"{name}.py").is_file() else sorted((ROOT / name).rglob("*.py"))


PRODUCT = [path for name in RANK for path in files_of(name)]
CORE = files_of("superscaling")
AROUND = [path for name in TOOL_RANK for path in files_of(name)]


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Names of the modules that a file imports; `from package import module` names the module."""
    return tuple(_imports(path))


def edges(paths: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Each of the files with each module that it imports."""
    return ((path, name) for path in paths for name in imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if find_file(inner) else str(node.module)


@cache
def find_file(module: str) -> Path | None:
    """The file of one of our modules or packages; None where it is none."""
    place = ROOT / module.replace(".", "/")
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module_of(path: Path) -> str:
    return relative(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def top_of(module: str) -> str:
    """The first part of a name."""
    return module.partition(".")[0]


def room_of(module: str) -> str | None:
    """The second part of a name in `superscaling`."""
    parts = module.split(".")
    return parts[1] if parts[0] == "superscaling" and len(parts) > 1 else None


def test_there_is_something_to_test() -> None:
    assert {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in PRODUCT} == set(RANK)
    assert {room for path in PRODUCT if (room := room_of(module_of(path)))} == set(ROOM_RANK)


def test_imports_point_down() -> None:
    for path, name in edges(PRODUCT):
        own = RANK[top_of(module_of(path))]
        assert RANK.get(top_of(name), own) >= own, f"{relative(path)} imports {name}, which is above it"
        assert top_of(name) not in (*TOOL_RANK, "tests"), f"{relative(path)} imports {name}"


def test_imports_between_rooms_point_down() -> None:
    for path, name in edges(CORE):
        room, other = room_of(module_of(path)), room_of(name)
        if room and other not in (None, room):
            assert ROOM_RANK[other] > ROOM_RANK[room], f"{relative(path)} imports {name}"


def test_imports_within_a_room_point_down() -> None:
    for path, name in edges(path for path in CORE if not path.name.startswith("_")):
        own = module_of(path)
        room = room_of(own)
        if room in WITHIN and room_of(name) == room:
            assert INNER_RANK[name] > INNER_RANK[own], f"{own} imports {name}"


def test_nobody_imports_past_a_public_list() -> None:
    for path, name in edges([*PRODUCT, *AROUND]):
        for package in LISTED:
            if name.startswith(f"{package}.") and not module_of(path).startswith(package):
                assert name in HEAVY, f"{relative(path)} imports {name}"


@pytest.mark.parametrize("package", LISTED)
def test_a_public_list_is_all_that_its_file_has(package: str) -> None:
    tree = ast.parse((ROOT / package.replace(".", "/") / "__init__.py").read_text())
    imported = [alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    (listed,) = (ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign))
    assert sorted(imported) == sorted(listed)
    assert len(tree.body) == 2 + sum(isinstance(node, ast.ImportFrom) for node in tree.body), "more than a list"


def test_the_messages_know_errors_and_formats_only() -> None:
    for path in sorted((ROOT / "message_protocol").glob("*.py")):
        known = {name for name in imports(path) if name.startswith("superscaling")}
        assert known <= MESSAGES_KNOW, f"{relative(path)} imports {known - MESSAGES_KNOW}"


def test_imports_of_tools_point_down() -> None:
    for path, name in edges(AROUND):
        own, top = top_of(module_of(path)), top_of(name)
        assert top == own or TOOL_RANK.get(top, len(TOOLS)) > TOOL_RANK[own], f"{relative(path)} imports {name}"


def test_foreign_packages_have_one_home() -> None:
    for path, name in edges(PRODUCT):
        homes = HOMES.get(top_of(name))
        assert homes is None or relative(path).startswith(homes), f"{relative(path)} imports {name}"


def test_only_settings_reads_the_environment() -> None:
    for path in PRODUCT:
        if path.name != "settings.py":
            text = path.read_text()
            rest = text.replace("environ[CLOSE", "").replace('environ["wsgi.input"]', "")
            assert "environ[" not in rest, relative(path)
            assert "os.environ" not in text, relative(path)
            assert "getenv" not in text, relative(path)


def test_only_settings_spells_variables() -> None:
    """What goes wrong is told to clients, too: the core names fields, and whoever talks to operators translates."""
    for path in CORE:
        if path.name != "settings.py":
            assert "UPSCALER_" not in path.read_text(), relative(path)


def test_importing_does_nothing(tmp_path: Path) -> None:
    """No file, no thread, no engine: for every module but the composition root and what imports it.

    The public lists, which are imported first, load no framework.
    """
    modules = [
        module_of(path)
        for path in PRODUCT
        if path.stem not in ("flask_app", "resources", "tensorflow", "from_keras", "quantisation")
    ]
    code = f"""
import importlib, os, sys, threading
for package in {LISTED!r}:
    importlib.import_module(package)
assert not {{"openvino", "tensorflow", "nncf"}} & set(sys.modules)
for module in {modules!r}:
    importlib.import_module(module)
assert threading.active_count() == 1, threading.enumerate()
assert "tensorflow" not in sys.modules
assert "resources" not in sys.modules
assert os.listdir() == [], os.listdir()
"""
    environ = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environ, check=True, timeout=60)


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
        # Without markers: what one package needs on Windows only, another may need everywhere.
        lines = (ROOT / lock).read_text().splitlines()
        return {line.removesuffix("\\").partition(";")[0].strip() for line in lines if line[:1].isalpha()}

    assert pins("requirements-serve.txt") < pins("requirements.txt") < pins("requirements-dev.txt")
