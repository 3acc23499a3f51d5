"""OpenTelemetry traces, where a deployment asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lapor_route.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI

    from lapor_route.service.settings import Settings

_QUIET = "health/live,health/ready,metrics,static"


def instrument(app: FastAPI, settings: Settings) -> Callable[[], None]:
    """Sends a span for each request, without its text, to `settings.otlp_endpoint` (OTLP over HTTP).

    Returns:
        What sends the last ones, at the end.

    Raises:
        MissingExtraError: The packages aren't installed.
    """
    if settings.otlp_endpoint is None:
        return lambda: None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise MissingExtraError("traces need OpenTelemetry: pip install 'lapor-route[serve,otel]'") from None
    resource = Resource.create({"service.name": "lapor-route", "service.version": app.version})
    provider = TracerProvider(resource=resource)
    exporter = OTLPSpanExporter(endpoint=f"{settings.otlp_endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider, excluded_urls=_QUIET)
    return provider.shutdown
