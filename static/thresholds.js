/* The slider of a thresholds page: curve, counts and shares follow it, from numbers that the page brought with it. */
(() => {
  "use strict";
  const told = document.getElementById("stops");
  if (!told) return;
  const { thresholds, tp, fp, positives, negatives, at, costs, top, height, lower } = JSON.parse(told.textContent);
  if (!thresholds.length) return;
  const slider = document.getElementById("stop");
  const typed = document.getElementById("t");
  const spot = document.getElementById("spot");
  const ranked = document.getElementById("roc-spot");
  const one = (selector) => document.querySelector(selector);
  const Z = 1.959963984540054;

  /* Wilson's interval, as the server has it. */
  const wilson = (hits, n) => {
    const share = hits / n;
    const z2 = Z * Z;
    const middle = (share + z2 / (2 * n)) / (1 + z2 / n);
    const half = (Z * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n * n))) / (1 + z2 / n);
    return [hits === 0 ? 0 : Math.max(0, middle - half), hits === n ? 1 : Math.min(1, middle + half)];
  };
  const count = (n) => n.toLocaleString("en-US");
  const share = (name, hits, n, none) => {
    one(`[data-value=${name}]`).textContent = n ? (hits / n).toFixed(3) : "–";
    const [low, high] = n ? wilson(hits, n) : [0, 0];
    one(`[data-interval=${name}]`).textContent = n ? `${low.toFixed(3)}–${high.toFixed(3)} · n ${count(n)}` : none;
  };
  const short = (threshold) => String(Number(threshold.toPrecision(9)));

  const show = (stop) => {
    const found = tp[stop];
    const alarms = fp[stop];
    const missed = positives - found;
    const counts = { tp: found, fp: alarms, fn: missed, tn: negatives - alarms };
    for (const [name, n] of Object.entries(counts)) one(`[data-count=${name}]`).textContent = count(n);
    share("precision", found, found + alarms, "nothing is called yes");
    share("recall", found, positives, "nothing to find");
    const f1 = found ? (2 * found) / (2 * found + missed + alarms) : 0;
    one("[data-value=f1]").textContent = f1.toFixed(3);
    one("[data-value=cost]").textContent = (alarms * costs[0] + missed * costs[1]).toLocaleString("en-US", { maximumFractionDigits: 2 });
    spot.setAttribute("cx", `${positives ? (100 * found) / positives : 0}%`);
    spot.setAttribute("cy", String(top + height * (1 - found / Math.max(1, found + alarms))));
    spot.setAttribute("visibility", "visible");
    ranked.setAttribute("cx", `${negatives ? (100 * alarms) / negatives : 0}%`);
    ranked.setAttribute("cy", String(top + lower * (positives ? 1 - found / positives : 1)));
    slider.setAttribute("aria-valuetext", `threshold ${thresholds[stop].toFixed(4)}`);
  };

  /* The last stop that says yes of no more than this threshold does. */
  const stopAt = (threshold) => {
    let stop = thresholds.findIndex((each) => each < threshold);
    stop = stop < 0 ? thresholds.length : stop;
    return Math.max(0, stop - 1);
  };
  const frozen = (threshold) => {
    one("#by-rule").textContent = "Set by hand";
    const rule = document.getElementById("frozen-rule");
    if (!rule) return;
    rule.value = `threshold ${short(threshold)}`;
    one("#frozen-at").textContent = threshold.toFixed(4);
    one("#frozen-by").textContent = "set by hand";
  };

  slider.max = String(thresholds.length - 1);
  slider.value = String(stopAt(at));
  slider.setAttribute("aria-valuetext", at > 1 ? "never" : `threshold ${at.toFixed(4)}`);
  slider.closest(".slider").hidden = false;
  /* The whole table is counted by the server: what its page says at this threshold takes the section's place. */
  const decide = async () => {
    const section = document.getElementById("decided-section");
    if (!section) return;
    const address = `?${new URLSearchParams(new FormData(slider.form))}`;
    const answer = await fetch(address);
    if (!answer.ok || address !== `?${new URLSearchParams(new FormData(slider.form))}`) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    section.replaceWith(page.getElementById("decided-section") ?? "");
  };

  let resting;
  slider.addEventListener("change", () => {
    clearTimeout(resting);
    resting = setTimeout(decide, 400);
  });
  slider.addEventListener("input", () => {
    const stop = Number(slider.value);
    typed.value = short(thresholds[stop]);
    show(stop);
    frozen(thresholds[stop]);
  });
})();
