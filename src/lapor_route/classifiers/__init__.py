"""What a complaint is about: the classifier protocol and its engines."""

from lapor_route.classifiers.protocol import Classifier, check_labels, load_engine

__all__ = ["Classifier", "check_labels", "load_engine"]
