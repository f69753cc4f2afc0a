// The Propagation panel: writes a probe and shows when each region has it.

import { el, say, number } from "./dom.js";
import { ask, path, pause } from "./api.js";

const type = "ui-probe";
const patience = 30_000;
const between = 40; // ms between two questions to one region

export class Propagation {
  constructor(host, map, planet) {
    this.map = map;
    this.planet = planet;
    this.button = el("button", { class: "main", type: "button", onclick: () => this.run() }, "Write a probe");
    this.told = el("p", { role: "status", id: "probe-told" });
    this.body = el("tbody");
    this.table = el("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "When each region had the probe", hidden: true },
      el("table", null, el("caption", null, "When each region had the probe"),
        el("thead", null, el("tr", null, ["Region", "Came by", "Seen here after"].map((h) => el("th", { scope: "col" }, h)))), this.body));
    host.append(
      el("h2", null, "How a write travels"),
      el("p", null, `The page writes one record of the type ${type}, asks every region for it until it is there, and removes it and the type again. Each time holds the question's own round trip, so a region had the probe at least that early.`),
      this.button, this.told, this.table);
  }

  async run() {
    this.button.disabled = true;
    this.map.light(new Set());
    const id = `probe-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;
    try {
      say(this.told, "Making the type …");
      const made = await ask(`v1/types/${type}`, { method: "PUT", body: {} });
      await this.probe(id, made.headers.get("Gazetteer-Region"));
    } catch (problem) {
      say(this.told, `The probe failed: ${problem.message}`);
    } finally {
      await this.clean(id);
      this.button.disabled = false;
    }
  }

  // probe writes and waits. The regions know the type before the clock starts: what is timed
  // is the one write.
  async probe(id, writer) {
    const regions = this.planet.regions.filter((r) => r.state !== "expected").map((r) => r.name);
    const from = treeFrom(writer, this.planet.topology?.edges ?? []);
    say(this.told, "Waiting until every region knows the type …");
    const reached = regions.filter((r) => this.planet.regions.find((q) => q.name === r)?.state !== "unreachable");
    await Promise.all(reached.map((r) => until(async () => knows(await answer(r, id)), patience)));
    const rows = this.rows(regions, writer, from);
    const start = performance.now();
    await ask(path(["v1", "types", type, "resources", id]), { method: "PUT", body: { attributes: { written: new Date().toISOString() } } });
    say(this.told, `Written in ${writer} after ${number(performance.now() - start)} ms; waiting for ${regions.length} regions …`);
    const lit = new Set();
    const seen = await Promise.all(regions.map(async (r) => {
      const there = await until(async () => (await answer(r, id)) === "there", patience);
      const after = performance.now() - start;
      say(rows.get(r), there ? `${number(after)} ms` : "not seen");
      if (there) this.light(lit, r, from);
      return there ? after : null;
    }));
    this.sum(seen);
  }

  rows(regions, writer, from) {
    const cells = new Map(regions.map((r) => [r, el("td", null, "…")]));
    this.body.replaceChildren(...regions.map((r) => el("tr", null, el("th", { scope: "row" }, r), el("td", null, r === writer ? "written here" : from.get(r) ? `the edge to ${from.get(r)}` : "–"), cells.get(r))));
    this.table.hidden = false;
    return cells;
  }

  light(lit, r, from) {
    lit.add(r);
    const parent = from.get(r);
    if (parent) lit.add([r, parent].sort().join(" "));
    this.map.light(lit);
  }

  sum(seen) {
    const times = seen.filter((t) => t !== null);
    const missing = seen.length - times.length;
    say(this.told, missing > 0 ? `${times.length} of ${seen.length} regions have it; ${missing} did not within ${patience / 1000} s.` : `All ${seen.length} regions have it; the last was seen after ${number(Math.max(...times))} ms.`);
  }

  // clean removes what was made. The type goes once it is empty; one that another probe uses
  // stays.
  async clean(id) {
    const gone = (where) => ask(where, { method: "DELETE" }).then(() => true, (p) => p.status === 404);
    if (await until(() => gone(path(["v1", "types", type, "resources", id])), 5000)) await gone(`v1/types/${type}`);
  }
}

// answer is what a region says of the probe: "there", "missing", or why it cannot tell.
async function answer(region, id) {
  try {
    await ask(path(["v1", "types", type, "resources", id], { region }));
    return "there";
  } catch (problem) {
    return problem.code === "unknown_resource" ? "missing" : problem.code;
  }
}

const knows = (said) => said === "there" || said === "missing";

async function until(is, within) {
  for (const end = performance.now() + within; performance.now() < end; await pause(between)) {
    if (await is()) return true;
  }
  return false;
}

// treeFrom returns for each region the neighbour by which a write from root reaches it.
function treeFrom(root, edges) {
  const from = new Map([[root, null]]);
  const next = [root];
  const linked = edges.filter((e) => e.tree || e.provisional);
  for (let at = next.shift(); at !== undefined; at = next.shift()) {
    for (const e of linked.filter((e) => e.a === at || e.b === at)) {
      const other = e.a === at ? e.b : e.a;
      if (!from.has(other)) (from.set(other, at), next.push(other));
    }
  }
  return from;
}
