"""Comparisons of two prompts on the same examples as the reference tables ask for them."""

from collections.abc import Mapping
from typing import Any

from app.domain import mcnemar
from app.domain.comparing import (
    compare,
    examples_needed,
    mcnemar_exact,
    mcnemar_mid_p,
    minimum_detectable_gain,
    swap_test,
)
from app.domain.goals import Goal
from app.domain.shapes import of_labels
from tests.reference import graded, power, repeats
from tests.reference.agreeing import agree
from tests.reference.matching import Scaled
from tests.reference.score_methods import sums_of, value

Given = Mapping[str, Any]
Z = {90: 1.6448536269514722, 95: 1.959963984540054, 99: 2.5758293035489004}
DRAWS = 99_999
EXHAUSTIVE = 15


def mcnemar_entry(given: Given, wanted: Given) -> Given:
    """Rows: A right, A wrong; columns: B right, B wrong. Differences in the table are A minus B, ours b minus a."""
    (both, only_a), (only_b, neither) = given["table_rows_A_correct_wrong_cols_B"]
    n, exact = both + only_a + only_b + neither, mcnemar_exact(only_a, only_b)
    a = [0] * (both + only_a) + [1] * (only_b + neither)
    b = [0] * both + [1] * only_a + [0] * only_b + [1] * neither
    through = compare(Goal("accuracy"), [0] * n, a, b, labels=2, seed=0)
    difference = (only_a - only_b) / n
    agree("compare()", (through.value, through.p), (-difference, exact), 1e-6)
    plain, corrected = (mcnemar.chi_square(only_a, only_b, corrected=corrected) for corrected in (False, True))
    walds = {f"wald{level}": mcnemar.wald_interval(only_b, only_a, n, z) for level, z in Z.items()}
    return {
        "exact_two_sided": exact,
        "mid_p_two_sided": mcnemar_mid_p(only_a, only_b),
        "one_sided_c_gt_b": mcnemar.one_sided_p(only_a, only_b),
        "one_sided_b_gt_c": mcnemar.one_sided_p(only_b, only_a),
        "chi2_cc_stat": corrected[0],
        "chi2_cc_p": corrected[1],
        "chi2_stat": plain[0],
        "chi2_p": plain[1],
        "acc_diff_A_minus_B": difference,
        "se_paired": mcnemar.standard_error(only_a, only_b, n),
        **walds,
    }


def permuted_mean(given: Given, wanted: Given) -> Given:
    """The paired permutation test of a mean difference, over every way to swap."""
    changes = graded.differences(given["b"], given["a"])
    found = {"stat": float(changes.mean())}
    return found | ({"p_two_sided": graded.sign_test(changes, seed=0)} if graded.exhaustive(changes) else {})


def permuted_f1(given: Given, wanted: Given) -> Given:
    """The paired permutation test of the F1 of class 1, over every way to swap the discordant items."""
    y, a, b = given["y"], given["pred_a"], given["pred_b"]
    found: dict[str, Any] = {}
    for name, answers in (("a", a), ("b", b)):
        sums = sums_of(of_labels(2), y, answers)
        for score in ("precision", "recall", "f1"):
            found[f"{score}_{name}"] = value(f"{score}[1]", of_labels(2), sums)
    found["diff"] = found["f1_a"] - found["f1_b"]
    if sum(one != other for one, other in zip(a, b, strict=True)) <= EXHAUSTIVE:
        found["p_two_sided_exact"] = swap_test(Goal("f1", of="1"), y, a, b, 2, seed=0, draws=1)
    return found


def bootstrapped(given: Given, wanted: Given) -> Given:
    """The paired bootstrap of a mean difference."""
    changes = graded.differences(given["b"], given["a"])
    confidence = given.get("conf", 0.95)
    plain = graded.mean_interval(changes, "percentile", confidence, DRAWS)
    corrected = graded.mean_interval(changes, "bca", confidence, DRAWS)
    return {
        "mean": plain.value,
        "se": plain.se,
        "percentile": [plain.low, plain.high],
        "BCa": [corrected.low, corrected.high],
    }


def repeated(given: Given, wanted: Given) -> Given:
    """A minus B over examples with repeats, clustered by example."""
    found = repeats.compare_repeated(given["B_items_x_repeats"], given["A_items_x_repeats"], given.get("conf", 0.95))
    return {
        "mean_diff": found.value,
        "naive_se": found.naive_se,
        "cluster_se_CR0": found.cr0,
        "cluster_se_CR1": found.cr1,
        "se_from_item_means_ddof1": found.cr1,
        "t": found.t,
        "p_t": found.p,
        "ci_t": [found.low, found.high],
    }


def variance_components(given: Given, wanted: Given) -> Given:
    """Where the variance of a repeated score comes from."""
    found = repeats.components(given["items_x_repeats"])
    return {
        "mean": found.mean,
        "within_item_var": found.within,
        "var_of_item_means": found.of_means,
        "between_item_var": found.between,
        "se_mean": found.se,
    }


def mcnemar_power(given: Given, wanted: Given) -> Given:
    """Examples that a gain needs, and the exact power there; the rows asked for say discordance, gain and n."""
    asked = _asked(given)
    return {"table": [_power_row(row, asked) for row in wanted.get("table", [])]}


def _power_row(row: Given, asked: dict[str, Any]) -> Given:
    gain, discordance = row["delta"], row["discordance"]
    needed = power.examples_for(gain, discordance, **asked)
    if asked == DEFAULTS:
        agree("examples_needed()", examples_needed(gain, discordance), needed + 0.5, 0.500001)
    n = row.get("n_formula", round(needed))
    level = {key: asked[key] for key in ("alpha", "two_sided")}
    near = n if abs(needed - n) <= 1 else needed  # tables round to the nearest number, or up
    return {
        "discordance": discordance,
        "delta": gain,
        "n_formula": near,
        "exact_power_at_n": power.mcnemar_power(n, discordance, gain, **level),
    }


def detectable(given: Given, wanted: Given) -> Given:
    """The gain that each number of examples shows."""
    asked, discordance = _asked(given), given["discordance"]
    gains = {n: power.detectable_gain(int(n), discordance, **asked) for n in wanted.get("mde", {})}
    if asked == DEFAULTS:
        ours = [minimum_detectable_gain(int(n), discordance) for n in gains]
        agree("minimum_detectable_gain()", ours, list(gains.values()), 1e-9)
    return {"mde": gains}


def paired_t(given: Given, wanted: Given) -> Given:
    """Paired differences that an effect needs; iterative solvers, as the tables', know them to seven digits."""
    n = power.examples_for_t(given["effect_size"], **_asked(given))
    return {"n": Scaled(n, max(1.0, n / 10))}


DEFAULTS = {"alpha": 0.05, "power": 0.8, "two_sided": True}


def _asked(given: Given) -> dict[str, Any]:
    sides = given.get("two_sided", given.get("alternative", "two-sided") == "two-sided")
    return {"alpha": given.get("alpha", 0.05), "power": given.get("power", 0.8), "two_sided": sides}
