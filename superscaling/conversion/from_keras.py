"""Converts a weight file to a model: IR in fp32 and int8, halo, known answer, `model.json`.

Needs TensorFlow, so it runs in its own process: `prepare` starts it for idealo's weights, `make models` for the
project's.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from superscaling.conversion.halo import measure_halo
from superscaling.conversion.ir import ends_of, read_graph, save_ir
from superscaling.conversion.network_size import work_per_pixel
from superscaling.conversion.writing import TOLERANCES, write_description, write_int8, write_known_answer
from superscaling.engines import EngineFacts, Pixels, infer_levels
from superscaling.engines.tensorflow import EngineTensorFlow, export_isr, load_isr
from superscaling.models import IR, ModelFiles, Weights


def convert(
    weights: Weights, path: Path, target: Path, photographs: Sequence[Pixels], drawings: Sequence[Pixels]
) -> None:
    """Write a model's directory.

    Args:
        weights: the row of the table.
        path: the weight file, verified.
        target: the directory to fill; `model.json` is written last, so an aborted run leaves no model.
        photographs: (h, w, 3) uint8, h and w at least twice the edge of a calibration square, for the halo and int8.
        drawings: likewise, for int8 only.
    """
    target.mkdir(parents=True, exist_ok=True)
    isr = load_isr(weights.architecture, path)
    with tempfile.TemporaryDirectory() as directory:
        graph = Path(directory) / "network.pb"
        export_isr(isr, graph)
        network = read_graph(graph)
        ends = ends_of(network)
        save_ir(network, target / IR, ends)
    model = ModelFiles.unmeasured(weights.name, target, weights.architecture)
    engine = EngineTensorFlow(isr, EngineFacts.of(model, "tensorflow", "fp32", threads=0))
    write_known_answer(model, engine, photographs[0])
    halo = measure_halo(partial(infer_levels, engine), model.scale, photographs)
    write_description(
        replace(
            model,
            kind=weights.kind,
            licence=weights.licence,
            milder=weights.milder,
            weights_sha256=weights.sha256,
            halo=halo.px,
            seam=halo.seam,
            work=work_per_pixel(network),
            tolerances=TOLERANCES,
            acceptance=write_int8(model, [*photographs, *drawings], ends),
        )
    )
