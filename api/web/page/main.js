// The page: joins the map, the panels and what they follow.

import { el, say } from "./dom.js";
import { useToken, whenRefused } from "./api.js";
import { WorldMap } from "./map.js";
import { Planet, treeLine } from "./planet.js";
import { Regions } from "./regions.js";
import { Resolve } from "./resolve.js";
import { Catalogue } from "./catalogue.js";
import { Propagation } from "./propagation.js";
import { tabs } from "./tabs.js";

const by = (id) => document.getElementById(id);
const news = (text) => say(by("news"), text);

document.body.append(el("datalist", { id: "types" }));
const planet = new Planet();
let tab;
const map = new WorldMap(by("map"), {
  onPlace: (place) => (tab.open("resolve"), resolve.at(place)),
  onRegion: (name) => (tab.open("regions"), regions.point(name)),
});
const regions = new Regions(by("regions"), news);
const resolve = new Resolve(by("resolve"), map);
const catalogue = new Catalogue(by("catalogue"), map, (type, id) => (resolve.fill(type, id), tab.open("resolve"), resolve.run()));
new Propagation(by("propagation"), map, planet);

for (const panel of document.querySelectorAll("[role=tabpanel]")) panel.addEventListener("opened", () => (map.show([]), map.light(new Set())));
by("catalogue").addEventListener("opened", () => catalogue.load());
tab = tabs(by("tabs"));
catalogue.load();

planet.addEventListener("regions", () => {
  map.showRegions(planet.regions);
  regions.show(planet.regions);
  resolve.showRegions(planet.regions);
});
planet.addEventListener("topology", () => {
  map.showRegions(planet.topology.regions.map((r) => ({ ...r, ...planet.regions.find((k) => k.name === r.name), state: r.state })));
  map.showEdges(planet.topology.edges);
  regions.showEdges(planet.topology);
  say(by("tree-line"), treeLine(planet.topology));
});

whenRefused((problem) => problem.status === 401 && (by("sign-in").hidden = false));
by("sign-in").addEventListener("submit", (e) => {
  e.preventDefault();
  useToken(by("token").value);
  by("token").value = "";
  by("sign-in").hidden = true;
  regions.allow();
  catalogue.load();
});

map.drawLand();
planet.run();
