"""Scores of one prompt, and corrections of many, as the reference tables ask for them."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from app.domain import multiplicity
from app.domain.goals import parse_goal
from app.domain.metrics import clopper_pearson, confusion, measure, tally, wilson
from app.domain.shapes import NO_YES, Digit, Shape, fitting, of_labels
from app.domain.shrinkage import shrink_shares
from app.domain.summing import Over, parts, score
from app.errors import Invalid
from tests.reference.agreeing import agree
from tests.reference.proportions import jeffreys, wilson_at

Given = Mapping[str, Any]
AVERAGES = ("macro", "micro", "weighted")


def proportion(given: Given, wanted: Given) -> Given:
    """Three intervals of a proportion at the confidence asked for."""
    successes, n, confidence = given["successes"], given["n"], given.get("conf", 0.95)
    found = wilson_at(successes, n, confidence)
    if confidence == 0.95:
        agree("wilson()", wilson(successes, n), found, 1e-12)
    return {
        "wilson": found,
        "clopper_pearson": clopper_pearson(successes, n, confidence),
        "jeffreys": jeffreys(successes, n, confidence),
    }


def corrected(given: Given, wanted: Given) -> Given:
    """Adjusted p-values."""
    return {
        "bonferroni": multiplicity.bonferroni(given["p"]),
        "holm": multiplicity.holm(given["p"]),
        "hommel": multiplicity.hommel(given["p"]),
        "fdr_bh": multiplicity.benjamini_hochberg(given["p"]),
        "fdr_by": multiplicity.benjamini_yekutieli(given["p"]),
    }


def shrunk(given: Given, wanted: Given) -> Given:
    """Shares of so many examples each, shrunk to their mean."""
    found = shrink_shares(given["dev_scores"], given["n"])
    return {
        "sampling_var_mean": found.sampling_variance,
        "tau2": found.between_variance,
        "shrunk": found.scores,
        "mean": found.mean,
    }


def multiclass(given: Given, wanted: Given) -> Given:
    """Scores over the labels that are expected or named, in their order, as scikit-learn takes them."""
    names = sorted({*given["y"], *given["pred"]})
    y, pred = ([names.index(label) for label in given[side]] for side in ("y", "pred"))
    shape = of_labels([str(name) for name in names])
    table, sums = confusion(y, pred, len(names)), sums_of(shape, y, pred)
    if set(y) == set(range(len(names))):
        agree("measure()", measure(parse_goal("macro_f1"), y, pred, shape).value, value("macro_f1", shape, sums), 1e-6)
    each = [[value(f"{part}[{name}]", shape, sums) for name in names] for part in ("precision", "recall", "f1")]
    named = ("accuracy", "mcc")
    return {
        "per_class_prec_rec_f1_support": [*each, [sum(row) for row in table]],
        "balanced_acc": value("balanced_accuracy", shape, sums),
        **{name: value(name, shape, sums) for name in named},
        **_averages(shape, sums, wanted, "seen"),
    }


def multilabel(given: Given, wanted: Given) -> Given:
    """Scores over all labels, in rows of 0 and 1."""
    y, pred = ([sum(bit << place for place, bit in enumerate(row)) for row in given[side]] for side in ("y", "pred"))
    shape = Shape("labels", tuple(Digit(str(place), NO_YES) for place in range(len(given["y"][0]))))
    sums = sums_of(shape, y, pred)
    hamming = 1 - value("hamming_score", shape, sums)
    return {
        "hamming": hamming,
        "hamming_loss": hamming,
        "subset_accuracy": value("subset_accuracy", shape, sums),
        "samples_f1_zero_division_1": value("samples_f1", shape, sums),
        **_averages(shape, sums, wanted, "all"),
    }


def sums_of(shape: Shape, y: Sequence[int], pred: Sequence[int]) -> Any:
    """What all answers add to every score of such answers."""
    cells, counts = tally((y, pred))
    return counts @ parts(parse_goal("accuracy"), shape, cells[:, 0], cells[:, 1], {})


def value(text: str, shape: Shape, sums: Any, over: Over = "expected") -> float:
    return float(score(fitting(parse_goal(text), shape), shape, sums, over))


def _averages(shape: Shape, sums: Any, wanted: Given, over: Over) -> Given:
    """The averages that are asked for and that goals can name: macro_f1, f2_macro, macro_precision and so on."""
    found: dict[str, float] = {}
    for key in wanted:
        for average in AVERAGES:
            name = key.removeprefix(f"{average}_").removesuffix(f"_{average}")
            if name != key:
                with suppress(Invalid):
                    found[key] = value(f"{average}_{name}", shape, sums, over)
    return found
