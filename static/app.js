/* Agon's own script: theme, token for htmx, and manners of pages that change while they are read. */
(() => {
  "use strict";
  const THEMES = ["system", "light", "dark"];
  const root = document.documentElement;

  /* Theme: kept in this browser; the script is loaded before the page is drawn, so nothing flashes. */
  const chosen = () => {
    try {
      return localStorage.getItem("theme") || "system";
    } catch {
      return "system";
    }
  };
  const show = (theme) => {
    if (theme === "system") delete root.dataset.theme;
    else root.dataset.theme = theme;
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.hidden = false;
      button.textContent = `Theme: ${theme}`;
    }
  };
  const turn = () => {
    const next = THEMES[(THEMES.indexOf(chosen()) + 1) % THEMES.length];
    try {
      localStorage.setItem("theme", next);
    } catch {
      /* private windows may refuse: the choice then lasts until the next page */
    }
    show(next);
  };
  show(chosen());

  /* The menu of narrow screens closes like one. */
  const closeMenu = (except) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(except)) menu.open = false;
    }
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-theme-switch]")) turn();
    closeMenu(event.target);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeMenu(null);
  });

  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    if (question && !confirm(question)) event.preventDefault();
  });

  /* Every write of htmx carries the page's token. */
  document.addEventListener("htmx:config:request", (event) => {
    const { request } = event.detail.ctx;
    const token = document.querySelector('meta[name="csrf-token"]');
    if (token && request.method !== "GET") request.headers["X-CSRF-Token"] = token.content;
  });

  /* What a reader had opened stays open, what changed is underlined for a moment, what is decided is read out. */
  const values = () => new Map([...document.querySelectorAll("[data-live]")].map((e) => [e.dataset.live, e.textContent]));
  const opened = () => [...document.querySelectorAll("details[id][open]")].map((e) => e.id);
  let before = { values: new Map(), opened: [] };
  let announced = null;
  const announce = () => {
    const news = [...document.querySelectorAll("[data-announce]")].map((e) => e.dataset.announce).join(" ");
    if (announced !== null && news && news !== announced) document.getElementById("announcer").textContent = news;
    announced = news;
  };
  document.addEventListener("DOMContentLoaded", () => {
    show(chosen());
    announce();
  });
  document.addEventListener("htmx:before:swap", () => {
    before = { values: values(), opened: opened() };
  });
  document.addEventListener("htmx:after:swap", () => {
    for (const id of before.opened) {
      const details = document.getElementById(id);
      if (details) details.open = true;
    }
    for (const element of document.querySelectorAll("[data-live]")) {
      const old = before.values.get(element.dataset.live);
      if (old !== undefined && old !== element.textContent) element.classList.add("is-new");
    }
    announce();
  });

  /* A part keeps its last state when the server fails; the page then says that it is old, or why a write was refused. */
  const tell = (id, text) => {
    const notice = document.getElementById(id);
    if (text && id === "refusal") notice.textContent = text;
    notice.hidden = !text;
  };
  const reading = (event) => event.detail.ctx?.request?.method === "GET";
  document.addEventListener("htmx:response:error", (event) => {
    const said = new DOMParser().parseFromString(event.detail.ctx.text || "", "text/html").body.textContent.trim();
    if (reading(event)) tell("connection", "old");
    else tell("refusal", said || "This was refused.");
  });
  document.addEventListener("htmx:error", (event) => {
    if (reading(event)) tell("connection", "old");
    else tell("refusal", "The server does not answer. Nothing was changed.");
  });
  document.addEventListener("htmx:after:request", (event) => {
    if (event.detail.ctx.response.status >= 400) return;
    tell("connection", "");
    if (!reading(event)) tell("refusal", "");
  });
})();
