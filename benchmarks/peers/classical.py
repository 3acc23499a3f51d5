"""N-grams and a linear model, as scikit-learn and fastText offer them, trained on the rows of our linear model."""

from __future__ import annotations

import random
import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.peers.engine import Engine, package
from benchmarks.peers.fitting import Fitted, fit_and_calibrate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.peers.fitting import Scorer
    from lapor_route import Classifier
    from lapor_route.decisions import Calibration
    from training.data import Example

FEATURES = 100_000
"""Word and character n-grams, most frequent first: as many together as our linear model has."""
_LEAST_DOCUMENTS = 4
_BALANCE = 0.25
_INSTALL = "python -m benchmarks.peers install"


class TrainedEngine(Engine):
    """A peer that was trained on our rows; `_scorer` is the model."""

    _scorer: Scorer

    def __init__(self, folder: Path, threads: int, variant: str) -> None:
        super().__init__(folder, threads, variant)
        self._fitted = Fitted.load(folder)

    @property
    def labels(self) -> Sequence[str]:
        """One a column."""
        return self._fitted.labels

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Probabilities, float array (n_texts, n_labels)."""
        return self._fitted.probabilities(self._scorer.scores(texts))

    def answer(self, texts: Sequence[str]) -> list[str]:
        """The label of highest score."""
        return [self.labels[i] for i in self._scorer.scores(texts).argmax(axis=1)]

    def classifier(self) -> Classifier:
        """Itself."""
        return self

    def calibration(self) -> Calibration:
        """Fitted on the held-out rows, as ours."""
        return self._fitted.calibration


class ScikitEngine(TrainedEngine):
    """TF-IDF of words 1-2 and `char_wb` 2-5, and a linear support vector machine."""

    packages = ("scikit-learn",)

    @classmethod
    def make(cls, folder: Path, variant: str, threads: int) -> None:
        """Trains, calibrates and writes the pipeline by joblib."""
        import joblib

        scorer, fitted = fit_and_calibrate(lambda rows: _Pipeline(fit_svm(rows, _row_weights(rows))))
        assert isinstance(scorer, _Pipeline)
        joblib.dump(scorer.pipeline, folder / "model.joblib")
        fitted.save(folder)

    def __init__(self, folder: Path, threads: int, variant: str) -> None:
        super().__init__(folder, threads, variant)
        import joblib

        self._scorer = _Pipeline(joblib.load(folder / "model.joblib"))


class _Pipeline:
    def __init__(self, pipeline: Any) -> None:
        self.pipeline = pipeline

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        found: np.ndarray = self.pipeline.decision_function(texts)
        return found


def fit_svm(rows: Sequence[Example], weight: np.ndarray) -> Any:
    """Fits a pipeline on the rows' texts and targets.

    Args:
        rows: One copy of each text.
        weight: What each row counts, float array (n_rows,).
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.svm import LinearSVC

    frequent = {
        "sublinear_tf": True,
        "min_df": _LEAST_DOCUMENTS,
        "max_features": FEATURES // 2,
        "dtype": np.float32,
    }
    vectors = make_union(
        TfidfVectorizer(ngram_range=(1, 2), **frequent),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), **frequent),
    )
    pipeline = make_pipeline(vectors, LinearSVC(C=1.0, random_state=1))
    targets = np.array([row.target for row in rows])
    return pipeline.fit([row.text for row in rows], targets, linearsvc__sample_weight=weight)


def _row_weights(rows: Sequence[Example]) -> np.ndarray:
    """What each row counts for our linear model, float array (n_rows,)."""
    from training.data import balanced_weights

    labels = sorted({row.target for row in rows})
    targets = np.array([labels.index(row.target) for row in rows])
    return balanced_weights(targets, np.array([row.weight for row in rows]), len(labels), _BALANCE)


class FloretEngine(TrainedEngine):
    """fastText's supervised classifier, by floret: fastText's own code, kept running under today's numpy."""

    packages = ("floret",)

    @classmethod
    def make(cls, folder: Path, variant: str, threads: int) -> None:
        """Trains, calibrates and writes the model."""
        floret = package("floret", _INSTALL)
        scorer, fitted = fit_and_calibrate(
            lambda rows: _Floret(_fit_floret(floret, rows, threads, folder), fitted_labels(rows))
        )
        assert isinstance(scorer, _Floret)
        scorer.model.save_model(str(folder / "model.bin"))
        fitted.save(folder)

    def __init__(self, folder: Path, threads: int, variant: str) -> None:
        super().__init__(folder, threads, variant)
        model = package("floret", _INSTALL).load_model(str(folder / "model.bin"))
        self._scorer = _Floret(model, self.labels)

    def answer(self, texts: Sequence[str]) -> list[str]:
        """The first label, without computing the others' order."""
        found, _ = self._model_of().predict([_one_line(text) for text in texts], k=1)
        return [names[0].removeprefix(_PREFIX) if names else self.labels[0] for names in found]

    def _model_of(self) -> Any:
        assert isinstance(self._scorer, _Floret)
        return self._scorer.model


_PREFIX = "__label__"


class _Floret:
    def __init__(self, model: Any, labels: Sequence[str]) -> None:
        self.model = model
        self.column = {f"{_PREFIX}{label}": i for i, label in enumerate(labels)}

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """Logarithms of its probabilities.

        Asked for one text at a time, at the binding below `predict`: that repeats the first probability for all
        labels if it gets a list, and fails under numpy 2 if it gets a text.
        """
        found = np.full((len(texts), len(self.column)), 1e-9, np.float32)
        for row, text in enumerate(texts):
            for share, name in self.model.f.predict(f"{_one_line(text)}\n", -1, 0.0, "strict"):
                found[row, self.column[name]] = max(share, 1e-9)
        logs: np.ndarray = np.log(found)
        return logs


def fitted_labels(rows: Sequence[Example]) -> tuple[str, ...]:
    """All labels, sorted."""
    return tuple(sorted({row.target for row in rows}))


def _fit_floret(floret: Any, rows: Sequence[Example], threads: int, folder: Path) -> Any:
    """Rows can't be weighted there. Their order is by chance: trained source by source it forgets the first ones.

    Of a few usual settings these did best on the held-out rows.
    """
    rows = random.Random(1).sample(rows, len(rows))
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8", dir=folder) as file:
        file.writelines(f"{_PREFIX}{row.target} {_one_line(row.text)}\n" for row in rows)
        file.flush()
        return floret.train_supervised(
            file.name,
            epoch=25,
            lr=0.5,
            dim=100,
            wordNgrams=2,
            minn=3,
            maxn=5,
            bucket=200_000,
            thread=threads,
            verbose=0,
        )


def _one_line(text: str) -> str:
    return " ".join(text.casefold().split())
