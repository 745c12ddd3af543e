/* Keys of the comparison: j and k move from row to row, a digit opens that evaluation's call, t shows word differences. */
(() => {
  "use strict";
  const rows = [...document.querySelectorAll("[data-row]")];
  const hint = document.getElementById("keys");
  if (!rows.length || !hint) return;
  hint.hidden = false;
  let at = -1;

  const choose = (place, scroll = true) => {
    for (const row of rows) {
      row.classList.remove("lead");
      row.removeAttribute("aria-current");
    }
    at = place;
    const row = rows[at];
    row.classList.add("lead");
    row.setAttribute("aria-current", "true");
    if (!scroll) return;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
    history.replaceState(null, "", `#${row.id}`);
  };
  const turn = (rel) => {
    const link = document.querySelector(`.pages a[rel=${rel}]`);
    if (!link) return;
    sessionStorage.setItem("turned", rel);
    link.click();
  };
  const move = (step) => {
    if (at + step >= rows.length) turn("next");
    else if (at + step >= 0) choose(at + step);
    else if (at === 0) turn("prev");
  };
  const open = (digit) => {
    const link = rows[at]?.querySelector(`a[data-call="${digit}"]`);
    if (link) link.click();
  };
  const toggle = () => {
    const all = [...document.querySelectorAll("details.words")];
    const wanted = all.some((one) => !one.open);
    for (const one of all) one.open = wanted;
    if (at >= 0) rows[at].scrollIntoView({ block: "nearest" });
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "t") toggle();
    else if (/^[1-9]$/.test(event.key)) open(event.key);
    else return;
    event.preventDefault();
  });

  /* Whoever comes back from a call, by a link to a row, or over the end of a page, goes on from there. */
  const named = rows.findIndex((row) => `#${row.id}` === location.hash);
  const turned = sessionStorage.getItem("turned");
  sessionStorage.removeItem("turned");
  if (named >= 0) choose(named, false);
  else if (turned) choose(turned === "prev" ? rows.length - 1 : 0);
})();
