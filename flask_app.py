"""The routes of the service: parse, call, answer. `app` is the WSGI application.

The first line of a route's docstring is its summary in `/openapi.json`.
"""

import contextlib
import functools
from collections.abc import Callable

from flask import Flask, Response

import resources
from http_edge.answers import images_upscale_json, json_answer, no_content, text_answer, upscale_answer
from http_edge.job_answers import (
    archive_answer,
    converted_answer,
    job_answer,
    jobs_answer,
    promised_answer,
    result_answer,
)
from http_edge.job_events import JobWatch
from http_edge.job_requests import JobRequests
from http_edge.metrics import CONTENT_TYPE, Metrics
from http_edge.negotiation import AnswerForm
from http_edge.openapi import openapi_document
from http_edge.originals import original_answer
from http_edge.pages import pages
from http_edge.request_lifecycle import RequestLifecycle
from http_edge.streaming import events_response, stream_answer
from message_protocol import (
    ArchiveInput,
    EstimateInput,
    ImagesUpscaleInput,
    JobsInput,
    OnError,
    ResultInput,
    UpscaleInput,
    UpscaleOutput,
)
from resource_upscale import Keeper
from superscaling.errors import (
    BrokerUnavailable,
    JobsQueueFull,
    MalformedMessage,
    OwnerMissing,
    ServiceError,
    StoreUnavailable,
)

app = Flask(__name__, static_folder=None)
watch = JobWatch(resources.job_orders.status)
ledger = resources.jobs.ledger if resources.jobs else None
api_keys = resources.api_keys
metrics = Metrics(
    resources.models,
    resources.admission,
    ledger,
    lambda: watch.places.taken,
    lambda: api_keys is None or api_keys.is_valid,
)
lifecycle = RequestLifecycle(
    app,
    resources.settings,
    resources.models,
    metrics,
    resources.admission.seconds_until_one_ends,
    resources.fetcher,
    guarded=("upscale", "images_upscale"),
    patient=("upscale",),
    orders=("jobs",),
    api_keys=api_keys,
)
job_requests = JobRequests(lifecycle, watch, resources.settings)
app.register_blueprint(pages(resources.settings))


@app.get("/ping")
def ping() -> Response:
    """Check that the service responds."""
    return json_answer(resources.ping.main().model_dump_json())


@app.post("/upscale")
def upscale() -> Response:
    """Enlarge one image."""
    message, form = lifecycle.read(UpscaleInput)
    keeping_for = job_requests.keeping_for()
    keeper = resources.conversion.keeper(message, keeping_for) if keeping_for else None
    if message.on_error is OnError.ORIGINAL:
        try:
            return _enlarged(message, form, UpscaleOutput.to_json, keeper)
        except ServiceError as exc:
            return original_answer(message, exc)
    if resources.job_orders.is_on and not form.stream and job_requests.prefers_async():
        # A preference that can't be honoured is ignored (RFC 7240, 2).
        with contextlib.suppress(OwnerMissing, JobsQueueFull, StoreUnavailable, BrokerUnavailable):
            asker, deadline, timings = job_requests.asker(), lifecycle.deadline(), lifecycle.timings
            output = resources.job_orders.submit(message, asker, deadline, timings, budget=lifecycle.budget)
            return promised_answer(output)
    return _enlarged(message, form, UpscaleOutput.to_json, keeper)


@app.post("/v1/images/upscale")
def images_upscale() -> Response:
    """Enlarge one image, with request and answer as LocalAI has them."""
    message, form = lifecycle.read(ImagesUpscaleInput, prefers_json=True)
    if message.on_error is OnError.ORIGINAL:
        raise MalformedMessage("'onError' is for answers of /upscale")
    return _enlarged(message, form, functools.partial(images_upscale_json, message.response_format))


def _enlarged(
    message: UpscaleInput, form: AnswerForm, to_json: Callable[[UpscaleOutput], str], keeper: Keeper | None = None
) -> Response:
    lifecycle.check_slot()
    timings, budget = lifecycle.timings, lifecycle.budget
    if form.stream:
        events, deadline, listener = lifecycle.stream(message)
        run = functools.partial(resources.upscale.main, message, deadline, timings, listener, budget, keeper)
        return stream_answer(run, events)
    output = resources.upscale.main(message, lifecycle.deadline(), timings, lifecycle.listener(), budget, keeper)
    return upscale_answer(output, form, timings, to_json)


@app.post("/jobs")
def jobs() -> Response:
    """Enlarge one image later."""
    orders, asker = resources.job_orders, job_requests.asker()
    orders.check_not_full(asker)
    with job_requests.read(orders.scratch) as sent:
        deadline, timings = lifecycle.deadline(), lifecycle.timings
        image = sent.path, sent.is_whole, sent.sha256
        output = orders.submit(sent.message, asker, deadline, timings, *image, lifecycle.budget)
    return job_answer(output, 202)


@app.get("/jobs")
def jobs_of_a_group() -> Response:
    """List the jobs of a group."""
    message = JobsInput.from_query(lifecycle.query())
    return jobs_answer(resources.job_orders.group(job_requests.owner(), message))


@app.get("/jobs/archive")
def archive() -> Response:
    """Get the results of a group as one file."""
    owner, message = job_requests.owner(), ArchiveInput.from_query(lifecycle.query())
    return archive_answer(lambda: resources.job_results.archive(owner, message), message.group)


@app.get("/jobs/<job_id>")
def job(job_id: str) -> Response:
    """Ask where a job is, or watch it."""
    if job_requests.wants_events():
        return events_response(job_requests.events(job_id))
    return job_answer(resources.job_orders.status(job_requests.owner(), job_id))


@app.delete("/jobs/<job_id>")
def cancel(job_id: str) -> Response:
    """Cancel a job, or delete its result."""
    resources.job_orders.cancel(job_requests.owner(), job_id)
    return no_content()


@app.get("/jobs/<job_id>/result")
def result(job_id: str) -> Response:
    """Get the result of a job, as it is or in another format."""
    owner, message = job_requests.owner(), ResultInput.from_query(lifecycle.query())
    if message.is_as_it_is:
        return result_answer(resources.job_results.main(owner, job_id))
    lifecycle.begin_conversion()
    timings = lifecycle.timings
    output, stored = resources.conversion.main(owner, job_id, message, lifecycle.deadline(), timings)
    return converted_answer(output, job_id, stored.model, timings)


@app.get("/estimate")
def estimate() -> Response:
    """Estimate what enlarging an image would cost now."""
    message = EstimateInput.from_query(lifecycle.query())
    lifecycle.use_model(message.model, message.strength)
    return json_answer(resources.estimate.main(message).model_dump_json(by_alias=True))


@app.get("/models")
def models() -> Response:
    """List the loaded models."""
    return json_answer(resources.models_list.main().to_json())


@app.get("/livez")
def livez() -> Response:
    """Check that the process is alive."""
    return json_answer(resources.ping.main().model_dump_json())


@app.get("/readyz")
def readyz() -> Response:
    """Check that every model is ready."""
    return json_answer(resources.ready.main(lifecycle.deadline(), lifecycle.timings).model_dump_json())


@app.get("/metrics")
def prometheus() -> Response:
    """Get the metrics for Prometheus."""
    return text_answer(metrics.to_text(), CONTENT_TYPE)


@app.get("/openapi.json")
def openapi() -> Response:
    """Get this description."""
    has_metrics = not resources.settings.metrics_port
    return json_answer(openapi_document(app, api_keys is not None, has_metrics))
