"""The errors that lapor-route raises on purpose, as one tree."""

from __future__ import annotations


class LaporRouteError(Exception):
    """Base of every error raised on purpose; its message says what to do next."""


class InputError(LaporRouteError, ValueError):
    """The caller's input can't be used: a complaint that isn't text, a file without the text column."""


class OutputError(LaporRouteError, OSError):
    """A result can't be written."""


class RegistryError(LaporRouteError, ValueError):
    """A registry file doesn't follow its schema, or an unknown body was asked for."""


class BundleError(LaporRouteError, ValueError):
    """A model bundle is missing, damaged, or made for another format, label set or registry."""


class ClassifierError(LaporRouteError, ValueError):
    """A plugged-in classifier breaks the protocol: unknown labels, wrong shape, no probabilities."""


class MissingExtraError(LaporRouteError, ImportError):
    """A feature needs packages of an optional extra; the message names the command that installs them."""
