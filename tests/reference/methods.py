"""Which function answers which method of the reference tables.

A function takes an entry's input and what is expected of it (which may name rows or thresholds to look at), and
returns figures under the expected names: all that it can give, whether asked for or not. A new method joins by
one function under the table's name in METHODS, and leaves NOT_YET.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tests.reference import (
    paired_methods,
    rating_methods,
    reference_probabilities,
    score_methods,
    sequential_methods,
)

Given = Mapping[str, Any]
Method = Callable[[Given, Given], Given]
Held = Callable[[Any, Any, float], None]

METHODS: dict[str, Method] = {
    "bootstrap.paired.mean_diff_95": paired_methods.bootstrapped,
    "bradley_terry.davidson_ties": rating_methods.bradley_terry,
    "bradley_terry.mle.no_ties": rating_methods.bradley_terry,
    "evalue.grid_betting.H0_diff_ge_delta": sequential_methods.grid,
    "evalue.sequential_mcnemar.beta_mixture_one_sided": sequential_methods.mixture,
    "mcnemar": paired_methods.mcnemar_entry,
    "multiclass.metrics": score_methods.multiclass,
    "multilabel.metrics": score_methods.multilabel,
    "multiplicity": score_methods.corrected,
    "paired_diff.repeats.clustered_se": paired_methods.repeated,
    "permutation.paired.f1_diff": paired_methods.permuted_f1,
    "permutation.paired.mean_diff": paired_methods.permuted_mean,
    "power.mcnemar": paired_methods.mcnemar_power,
    "power.mde": paired_methods.detectable,
    "power.paired_t": paired_methods.paired_t,
    "shrinkage.normal_normal_eb": score_methods.shrunk,
    "variance_components.repeats": paired_methods.variance_components,
    "wilson_interval": score_methods.proportion,
}

HELD: dict[str, Held] = dict(reference_probabilities.CHECKS)
"""Methods whose functions hold an entry's figures themselves, by asserting."""

_STYLE = "judging with style and position taken out comes with LLM judges"
_PEOPLE = "agreement between people comes with annotation"
_DRIFT = "drift comes with scheduled evaluations"

NOT_YET: dict[str, str] = {
    "bradley_terry.rao_kupper_ties": "ties are Davidson's: one model of ties is enough",
    "bradley_terry.style_control_length": _STYLE,
    "bradley_terry.style_control_length_and_position": _STYLE,
    "bradley_terry.ties_as_half": "half wins shrink strengths; ties have a parameter of their own (Davidson)",
    "cohen_kappa": _PEOPLE,
    "confseq.betting_cs_bounded_mean": "early stops rest on e-values; no page shows a confidence sequence",
    "dawid_skene": _PEOPLE,
    "drift.categorical": _DRIFT,
    "drift.cusum_arl_one_sided": _DRIFT,
    "drift.cusum_path": _DRIFT,
    "drift.ks": _DRIFT,
    "elo.sequential": "Elo depends on the order of battles, so nothing is decided or shown by it",
    "fleiss_kappa": _PEOPLE,
    "krippendorff_alpha": _PEOPLE,
}
