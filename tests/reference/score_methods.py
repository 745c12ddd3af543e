"""Scores of one prompt, and corrections of many, as the reference tables ask for them."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from app.domain import classification, multilabel, multiplicity
from app.domain.classification import Average, Sums
from app.domain.metrics import Goal, clopper_pearson, confusion, measure, wilson
from app.domain.proportions import jeffreys, wilson_at
from app.domain.shrinkage import shrink_shares
from tests.reference.agreeing import agree

Given = Mapping[str, Any]
AVERAGES: tuple[Average, ...] = ("macro", "micro", "weighted")


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
    table = confusion(y, pred, len(names))
    of = classification.sums(table, over="seen")
    each = classification.per_class(of)
    if set(y) == set(range(len(names))):
        ours = measure(Goal("macro_f1"), y, pred, len(names)).value
        agree("measure()", ours, float(classification.f_beta(of, "macro")), 1e-6)
    return {
        "per_class_prec_rec_f1_support": [
            part.tolist() for part in (each.precision, each.recall, each.f, each.support)
        ],
        "accuracy": float(classification.accuracy(of)),
        "balanced_acc": float(classification.balanced_accuracy(of)),
        "mcc": float(classification.mcc(of)),
        **_averages(of, wanted),
    }


def multilabel_entry(given: Given, wanted: Given) -> Given:
    """Scores over all labels, in rows of 0 and 1."""
    y, pred = ([sum(bit << place for place, bit in enumerate(row)) for row in given[side]] for side in ("y", "pred"))
    cells = multilabel.tally_sets(y, pred, len(given["y"][0]))
    either = {
        f"samples_f1{ending}": float(multilabel.samples_f1(cells, cells.counts, both_empty))
        for ending, both_empty in (("", 0.0), ("_zero_division_0", 0.0), ("_zero_division_1", 1.0))
    }
    hamming = float(multilabel.hamming_loss(cells, cells.counts))
    return {
        "hamming": hamming,
        "hamming_loss": hamming,
        "subset_accuracy": float(multilabel.subset_accuracy(cells, cells.counts)),
        **either,
        **_averages(multilabel.label_sums(cells, cells.counts, over="all"), wanted),
    }


def _averages(of: Sums, wanted: Given) -> Given:
    """The averages that are asked for: macro_f1, f2_macro, weighted_precision and so on."""
    found: dict[str, float] = {}
    for key in wanted:
        for average in AVERAGES:
            name = key.removeprefix(f"{average}_").removesuffix(f"_{average}")
            score = _score(name) if name != key else None
            if score:
                found[key] = float(score(of, average))
    return found


def _score(name: str) -> Callable[[Sums, Average], Any] | None:
    beta = re.fullmatch(r"f([0-9.]+)", name)
    if beta:
        return lambda of, average: classification.f_beta(of, average, float(beta[1]))
    return {"precision": classification.precision, "recall": classification.recall}.get(name)
