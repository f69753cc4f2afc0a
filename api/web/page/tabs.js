// Tabs as the ARIA Authoring Practices describe them: one stop in the order of focus, arrows
// between them. The address names the open one, so that it can be linked to.

export function tabs(list) {
  const all = [...list.querySelectorAll("[role=tab]")];
  const panelOf = (tab) => document.getElementById(tab.getAttribute("aria-controls"));

  function open(tab) {
    for (const t of all) {
      const chosen = t === tab;
      t.setAttribute("aria-selected", String(chosen));
      t.tabIndex = chosen ? 0 : -1;
      panelOf(t).hidden = !chosen;
    }
    const panel = panelOf(tab);
    history.replaceState(null, "", `#${panel.id}`);
    panel.dispatchEvent(new CustomEvent("opened"));
  }

  const steps = { ArrowRight: (i) => i + 1, ArrowLeft: (i) => i - 1, Home: () => 0, End: () => -1 };
  list.addEventListener("keydown", (e) => {
    const step = steps[e.key];
    if (!step) return;
    e.preventDefault();
    const next = all.at(step(all.indexOf(document.activeElement)) % all.length);
    open(next);
    next.focus();
  });
  list.addEventListener("click", (e) => all.includes(e.target) && open(e.target));
  const named = () => all.find((t) => `#${t.getAttribute("aria-controls")}` === location.hash);
  addEventListener("hashchange", () => named() && open(named()));
  open(named() ?? all[0]);
  return { open: (id) => open(all.find((t) => t.getAttribute("aria-controls") === id)) };
}
