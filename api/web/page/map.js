// The map: the land, the regions, their tree; and on top what the panels show on it.

import { svg, say, number, seconds } from "./dom.js";
import { WIDE, top, high, border, land, project, unproject, arc, way } from "./earth.js";
import { Labels } from "./labels.js";

const RADIUS = 5; // of a dot, in units of a text of 12

// stateWords are what people call the states.
export const stateWords = { live: "live", draining: "draining", unreachable: "silent", expected: "expected" };

export class WorldMap {
  // onPlace is told where the earth was clicked, onRegion which region was chosen.
  constructor(host, { onPlace, onRegion }) {
    this.onRegion = onRegion;
    this.regions = new Map();
    this.edges = [];
    this.dots = new Map();
    this.lines = new Map();
    this.lit = new Set();
    this.layers = Object.fromEntries(["sea", "land", "lines", "shown", "texts", "dots"].map((name) => [name, svg("g", { class: name })]));
    this.root = svg("svg", { viewBox: `0 ${top} ${WIDE} ${high}`, role: "group", "aria-label": "Map of the regions and their tree; the Regions panel has the same as tables" }, Object.values(this.layers));
    this.layers.sea.append(svg("path", { d: border(), class: "globe" }));
    this.root.addEventListener("click", (e) => this.clicked(e, onPlace));
    host.replaceChildren(this.root);
    new ResizeObserver(() => this.letter()).observe(this.root);
  }

  async drawLand() {
    const answer = await fetch("land.txt", { credentials: "same-origin" });
    if (answer.ok) this.layers.land.replaceChildren(svg("path", { d: land(await answer.text()), class: "ground" }));
  }

  // unit is how many units of the drawing a pixel of text takes: texts keep their size.
  unit() {
    return WIDE / Math.max(this.root.getBoundingClientRect().width, 200);
  }

  size() {
    return 12 * this.unit();
  }

  // place is where a region is on earth, null if it is not known.
  place(name) {
    const r = this.regions.get(name);
    return r && r.lat !== undefined ? { lat: r.lat, lon: r.lon } : null;
  }

  showRegions(regions) {
    const before = this.signature();
    this.regions = new Map(regions.map((r) => [r.name, r]));
    for (const [name, dot] of this.dots) {
      if (!this.place(name)) (dot.remove(), this.dots.delete(name));
    }
    for (const r of regions) if (this.place(r.name)) this.dot(r);
    if (before !== this.signature()) this.redraw();
  }

  signature() {
    return [...this.regions.values()].map((r) => `${r.name} ${r.state} ${r.lat} ${r.lon}`).join();
  }

  dot(r) {
    let g = this.dots.get(r.name);
    if (!g) {
      g = svg("g", { tabindex: 0, role: "button" }, svg("title"), svg("circle", { class: "halo" }), svg("path", { class: "sign" }));
      g.addEventListener("keydown", (e) => {
        if (e.key === "Enter" || e.key === " ") (e.preventDefault(), this.onRegion(r.name));
      });
      this.dots.set(r.name, g);
      this.layers.dots.append(g);
    }
    g.dataset.region = r.name;
    g.dataset.state = r.state;
    const words = `${r.name}: ${stateWords[r.state] ?? r.state}${r.self ? ", answers this page" : r.lag_seconds === undefined ? "" : `, lag ${seconds(r.lag_seconds)}`}`;
    g.setAttribute("aria-label", words);
    say(g.firstChild, words);
  }

  showEdges(edges) {
    const text = JSON.stringify(edges);
    if (text === this.known) return;
    this.known = text;
    this.edges = edges;
    this.redraw();
  }

  redraw() {
    this.lines.clear();
    const rank = (e) => (e.tree ? 2 : e.provisional ? 1 : 0);
    const drawn = [...this.edges].sort((e, f) => rank(e) - rank(f)).map((e) => this.line(e));
    this.layers.lines.replaceChildren(...drawn.filter(Boolean));
    this.lightAll();
    this.letter();
  }

  line(e) {
    const a = this.place(e.a);
    const b = this.place(e.b);
    if (!a || !b) return null;
    const kind = e.tree ? "tree" : e.provisional ? "provisional" : "measured";
    const path = svg("path", { d: arc(a, b), class: kind, "data-edge": `${e.a} ${e.b}` }, svg("title", null, `${e.a} – ${e.b}: ${number(e.cost_ms, 1)} ms, ${kind}`));
    this.lines.set(`${e.a} ${e.b}`, path);
    return path;
  }

  // letter sizes the dots and finds places for the texts, as wide as the map is now.
  letter() {
    const size = this.size();
    const labels = new Labels(WIDE);
    for (const [name, g] of this.dots) {
      const at = project(this.place(name));
      labels.keep(at, (RADIUS + 1) * this.unit());
      this.shape(g, at);
    }
    const texts = [];
    for (const name of this.dots.keys()) texts.push(this.text(labels, project(this.place(name)), name, size, "name"));
    for (const e of this.edges.filter((e) => e.tree || e.provisional)) {
      const a = this.place(e.a);
      const b = this.place(e.b);
      if (!a || !b) continue;
      const steps = way(a, b);
      texts.push(this.text(labels, project(steps[steps.length >> 1]), number(e.cost_ms), size * 0.92, "cost"));
    }
    this.layers.texts.replaceChildren(...texts.filter(Boolean));
    this.letterShown();
  }

  shape(g, { x, y }) {
    const r = RADIUS * this.unit();
    g.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
    g.querySelector(".halo").setAttribute("r", (r * 2).toFixed(2));
    g.querySelector(".sign").setAttribute("d", signs[g.dataset.state]?.(r) ?? signs.live(r));
    g.querySelector(".sign").setAttribute("stroke-width", (1.6 * this.unit()).toFixed(2));
  }

  text(labels, at, words, size, sort) {
    const spot = labels.spot(at, words, size);
    return spot && svg("text", { x: spot.x.toFixed(1), y: spot.y.toFixed(1), "font-size": size.toFixed(1), "stroke-width": (3 * this.unit()).toFixed(1), class: sort, "aria-hidden": "true" }, words);
  }

  // shown are places that a panel shows: { place, words, sort, text }, the client first; lines
  // lead from it to the others.
  show(places) {
    this.places = places.filter((p) => p.place && p.place.lat !== undefined && p.place.lon !== undefined);
    this.letterShown();
  }

  letterShown() {
    const places = this.places ?? [];
    const client = places.find((p) => p.sort === "client");
    const unit = this.unit();
    const lines = client ? places.filter((p) => p !== client).map((p) => svg("path", { d: arc(client.place, p.place), class: "to" })) : [];
    const marks = [...places].reverse().map((p) => {
      const { x, y } = project(p.place);
      const r = (p.sort === "client" ? 7 : p.text ? 7.5 : 3) * unit;
      const shape = p.sort === "client"
        ? svg("path", { d: `M0 ${-r}L${r} 0L0 ${r}L${-r} 0Z`, class: "client" })
        : svg("circle", { r: r.toFixed(2), class: "location" });
      const text = p.text ? svg("text", { "font-size": (10 * unit).toFixed(1), y: (3.6 * unit).toFixed(1), class: "rank" }, p.text) : null;
      return svg("g", { transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` }, svg("title", null, p.words), shape, text);
    });
    this.layers.shown.replaceChildren(...lines, ...marks);
  }

  // light marks what a write has reached: names of regions, and of edges as "a b".
  light(names) {
    this.lit = names;
    this.lightAll();
  }

  lightAll() {
    for (const [name, node] of [...this.lines, ...this.dots]) node.classList.toggle("lit", this.lit.has(name));
  }

  clicked(e, onPlace) {
    const dot = e.target.closest?.("[data-region]");
    if (dot) return this.onRegion(dot.dataset.region);
    const at = new DOMPoint(e.clientX, e.clientY).matrixTransform(this.root.getScreenCTM().inverse());
    const place = unproject(at);
    if (place) onPlace(place);
  }
}

// signs tell the states apart by their shape, not by their colour alone.
const signs = {
  live: (r) => `M${-r} 0A${r} ${r} 0 1 0 ${r} 0A${r} ${r} 0 1 0 ${-r} 0Z`,
  draining: (r) => `M${-r} ${-r}H${r}V${r}H${-r}Z`,
  unreachable: (r) => `M${-r} ${-r}L${r} ${r}M${-r} ${r}L${r} ${-r}`,
  expected: (r) => `M0 ${-r * 1.2}L${r * 1.2} 0L0 ${r * 1.2}L${-r * 1.2} 0Z`,
};
