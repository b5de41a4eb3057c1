"""`GET /metrics` of a real server, parsed by Prometheus' own parser."""

import math
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from conftest import Server, StartServer, connection, encoded, photograph, wait_for
from prometheus_client.parser import text_string_to_metric_families
from test_stream import all_events, streamed

from superscaling.models import TABLE

# The names that dashboards use.
SPANS = ("decode", "infer", "encode")


def figures(server: Server) -> dict[str, float]:
    """Samples by name and labels, such as `upscaler_requests_total{status="200"}`."""
    response = httpx.get(f"{server.url}/metrics")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    samples = {}
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            samples[sample.name + (f"{{{labels}}}" if labels else "")] = sample.value
    return samples


def of_model(name: str, model: str = "noise-cancel-plain") -> str:
    """The sample of a metric that has a label for the model alone."""
    return f'{name}{{model="{model}"}}'


def requests(status: str, model: str = "noise-cancel-plain") -> str:
    """The sample that counts the requests of a status; `model` is empty if it was not known."""
    return f'upscaler_requests_total{{model="{model}",status="{status}"}}'


@pytest.mark.alone
def test_figures(start_server: StartServer) -> None:
    server = start_server(UPSCALER_MAX_REQUESTS="1", UPSCALER_MAX_PIXELS="1000000", UPSCALER_PRECISION="fp32")
    before = figures(server)
    assert before['upscaler_rejected_total{reason="queue_full"}'] == 0
    assert before[of_model("upscaler_tiles_total")] == before[of_model("upscaler_input_pixels_total")] == 0
    assert before[of_model("upscaler_pixels_per_second")] > 1000
    assert 5e7 < before["process_resident_memory_bytes"] < 2e9
    (model,) = (name for name in before if name.startswith("upscaler_model_info"))
    assert 'model="noise-cancel-plain"' in model
    assert 'precision="fp32"' in model
    assert f'sha256="{TABLE["noise-cancel-plain"].sha256}"' in model

    assert server.upscale(encoded(photograph(300, 600))).status_code == 200
    assert all_events(server, encoded(photograph(10, 20)))[-1][0] == "result"
    assert server.upscale(b"no image").status_code == 415
    with streamed(server, encoded(photograph(900, 900), "JPEG")) as response:
        assert response.status_code == 200
        during = figures(server)
        assert server.upscale(b"").status_code == 429
    assert during["upscaler_requests_in_progress"] == during["upscaler_queue_depth"] == 1
    assert during["upscaler_queue_pixels"] == 810_000
    assert during["upscaler_queue_seconds"] > 0

    # The stream whose client left.
    assert wait_for(lambda: "status=499" in server.log.read_text())  # written once everything is counted
    after = figures(server)
    assert after[requests("499")] == 1
    assert after[requests("200")] == 2
    assert after['upscaler_errors_total{code="client_closed_request"}'] == 1
    assert after[requests("415")] == 1
    assert after[requests("429", model="")] == 1, "rejected before its message was read"
    assert after['upscaler_errors_total{code="unsupported_image_format"}'] == 1
    assert after['upscaler_rejected_total{reason="too_many_requests"}'] == 1
    assert after[of_model("upscaler_input_pixels_total")] == 300 * 600 + 10 * 20
    assert after[of_model("upscaler_tiles_total")] >= 7
    assert after[of_model("upscaler_tile_duration_seconds_count")] == after[of_model("upscaler_tiles_total")]
    assert after["upscaler_request_duration_seconds_count"] == 3
    assert after['upscaler_request_duration_seconds_bucket{le="600.0"}'] == 3
    assert after["upscaler_queue_wait_seconds_count"] == 3
    for span in SPANS:
        assert after[f'upscaler_request_span_duration_seconds_sum{{span="{span}"}}'] > 0


@pytest.mark.alone
def test_whatever_was_admitted_is_in_the_histograms(start_server: StartServer) -> None:
    """A request that misses its deadline and one whose client disconnects are counted; a rejected one is not."""
    server = start_server(UPSCALER_TIMEOUT="4", UPSCALER_PRECISION="fp32", UPSCALER_TILE="16")
    edge = edge_of_a_picture(server, seconds=2)
    picture = encoded(photograph(edge, edge), "JPEG")
    with ThreadPoolExecutor() as threads:
        late = threads.submit(server.upscale, picture)
        assert wait_for(lambda: tiles_done(server) > 0)
        with server.frozen():
            time.sleep(4.5)
        assert late.result().status_code == 504
    tiles = tiles_done(server)
    with connection(server, f"Content-Length: {len(picture)}") as client:
        client.sendall(picture)
        assert wait_for(lambda: tiles_done(server) > tiles)
    assert wait_for(lambda: figures(server).get(requests("499")) == 1)
    assert server.upscale(b"no image").status_code == 415

    after = figures(server)
    assert after["upscaler_request_duration_seconds_count"] == after["upscaler_queue_wait_seconds_count"] == 2
    assert after["upscaler_request_duration_seconds_sum"] > 4
    spans = {span: after[f'upscaler_request_span_duration_seconds_count{{span="{span}"}}'] for span in SPANS}
    assert spans == {"decode": 2, "infer": 2, "encode": 0}
    assert after[of_model("upscaler_input_pixels_total")] == 0


def edge_of_a_picture(server: Server, seconds: float) -> int:
    """The side in px of a square image that takes about so many seconds on this machine."""
    estimate = httpx.get(f"{server.url}/estimate", params={"width": 500, "height": 500}).json()
    return round(500 * math.sqrt(seconds / estimate["seconds"]))


def tiles_done(server: Server) -> float:
    return figures(server)[of_model("upscaler_tiles_total")]


# One colour, which costs no inference: 17 MB as a result, more than the socket buffers hold.
WHITE = np.full((1200, 1200, 3), 255, np.uint8)


def test_who_takes_nothing_of_the_result_has_hung_up(start_server: StartServer) -> None:
    server = start_server(UPSCALER_READ_TIMEOUT="2")
    picture = encoded(WHITE, "BMP")
    with connection(server, f"Content-Length: {len(picture)}") as client:
        client.sendall(picture)
        assert wait_for(lambda: "status=499" in server.log.read_text(), 90)
    assert figures(server)[requests("499")] == 1
    assert_ends_without_a_traceback(server)


def assert_ends_without_a_traceback(server: Server) -> None:
    """Check the complete log: a traceback would follow the request's line."""
    assert server.stop() == 0
    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize("accept", ["image/bmp", "text/event-stream"])
def test_who_does_not_take_the_whole_result_has_hung_up(start_server: StartServer, accept: str) -> None:
    """The status was 200."""
    server = start_server()
    headers = {"Content-Type": "image/jpeg", "Accept": accept}
    picture = encoded(WHITE, "JPEG")
    url = f"{server.url}/upscale" + ("?format=bmp" if accept != "image/bmp" else "")
    with httpx.stream("POST", url, content=picture, headers=headers, timeout=60) as response:
        assert response.status_code == 200
        got = b""
        for part in response.iter_raw():
            got = got[-20:] + part
            if accept == "image/bmp" or b"event: result" in got:
                break
    assert wait_for(lambda: "status=499" in server.log.read_text())  # written once everything is counted
    after = figures(server)
    assert after[requests("499")] == 1
    assert after['upscaler_errors_total{code="client_closed_request"}'] == 1
    assert requests("200") not in after
    assert after["upscaler_request_duration_seconds_count"] == 1
    assert after[of_model("upscaler_input_pixels_total")] == 0
    assert_ends_without_a_traceback(server)


def test_only_pictures_count(server: Server) -> None:
    before = figures(server)
    httpx.get(f"{server.url}/ping")
    httpx.get(f"{server.url}/nothing")
    httpx.get(f"{server.url}/upscale")
    assert httpx.options(f"{server.url}/upscale").status_code == 200
    after, before = (
        {name: each[name] for name in each if name.startswith("upscaler_requests_total")}
        for each in (figures(server), before)
    )
    assert after == before
