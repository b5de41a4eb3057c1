"""The service's routes: parse, call, answer. `app` is the WSGI application."""

from flask import Flask, Response

import resources
from http_edge.answers import json_answer, upscale_answer
from http_edge.edge import Edge
from http_edge.openapi import openapi_document

app = Flask(__name__, static_folder=None)
edge = Edge(app, resources.settings, guarded="upscale")


@app.get("/ping")
def ping() -> Response:
    """Is the service there?"""
    return json_answer(resources.ping.main().model_dump_json())


@app.post("/upscale")
def upscale() -> Response:
    """Enlarge one image."""
    message, form = edge.read()
    work = edge.work()
    output = resources.upscale.main(message, work)
    return upscale_answer(output, form, work, resources.facts)


@app.get("/livez")
def livez() -> Response:
    """Is the process alive?"""
    return json_answer(resources.ping.main().model_dump_json())


@app.get("/readyz")
def readyz() -> Response:
    """Is the engine to be trusted with a picture?"""
    return json_answer(resources.ready.main(edge.work()).model_dump_json())


@app.get("/openapi.json")
def openapi() -> Response:
    """The description of this interface."""
    return json_answer(openapi_document())
