// The earth on paper: the Natural Earth projection (Patterson; its polynomials are those of
// Šavrič, Jenny, Patterson, Petrovič, Hurni 2011), both ways, and great circles.

export const WIDE = 1000;
const SCALE = WIDE / 5.48; // the equator is 2·0.8707·π wide
const RAD = Math.PI / 180;

// The map shows what lies between these latitudes: beyond them nobody runs a server.
const NORTH = 78;
const SOUTH = -56;

const reach = (f2, f4 = f2 * f2) => 0.8707 - 0.131979 * f2 + f4 * (-0.013791 + f4 * (0.003971 * f2 - 0.001529 * f4));
const rise = (f, f2 = f * f, f4 = f2 * f2) => f * (1.007226 + f2 * (0.015085 + f4 * (-0.044475 + 0.028874 * f2 - 0.005916 * f4)));

// project returns where a place is on the map.
export function project({ lat, lon }) {
  const f = Math.min(Math.max(lat, -90), 90) * RAD;
  return { x: WIDE / 2 + lon * RAD * reach(f * f) * SCALE, y: -rise(f) * SCALE };
}

// unproject returns the place at a point of the map, or null where there is no earth.
export function unproject({ x, y }) {
  let low = -90;
  let high = 90;
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (-rise(middle * RAD) * SCALE > y) low = middle;
    else high = middle;
  }
  const f = low * RAD;
  const lon = (x - WIDE / 2) / SCALE / reach(f * f) / RAD;
  return Math.abs(lon) > 180 || Math.abs(low) > 89.9 ? null : { lat: low, lon };
}

export const top = project({ lat: NORTH, lon: 0 }).y;
export const high = project({ lat: SOUTH, lon: 0 }).y - top;

const point = ({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`;

// border is the outline of the map.
export function border() {
  const points = [];
  for (let lat = -90; lat <= 90; lat += 5) points.push(project({ lat, lon: -180 }));
  for (let lat = 90; lat >= -90; lat -= 5) points.push(project({ lat, lon: 180 }));
  return `M${points.map(point).join("L")}Z`;
}

// land draws the rings of land.txt. Where one crosses the 180th meridian its longitudes go on
// beyond it, so that it stays one piece; what is beyond is drawn again on the other side.
export function land(text) {
  let path = "";
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const ring = whole(line);
    const add = (east) => (path += `M${ring.map(([lon, lat]) => point(project({ lat, lon: lon + east }))).join("L")}Z`);
    add(0);
    if (ring.some(([lon]) => lon > 180)) add(-360);
    if (ring.some(([lon]) => lon < -180)) add(360);
  }
  return path;
}

function whole(line) {
  const ring = [];
  for (const pair of line.split(" ")) {
    let [lon, lat] = pair.split(",").map(Number);
    if (ring.length > 0) lon -= 360 * Math.round((lon - ring.at(-1)[0]) / 360);
    ring.push([lon, lat]);
  }
  return ring;
}

const vector = ({ lat, lon }) => [Math.cos(lat * RAD) * Math.cos(lon * RAD), Math.cos(lat * RAD) * Math.sin(lon * RAD), Math.sin(lat * RAD)];

// way returns places on the shortest way between two, some degrees apart.
export function way(a, b) {
  const u = vector(a);
  const v = vector(b);
  const angle = Math.acos(Math.min(Math.max(u[0] * v[0] + u[1] * v[1] + u[2] * v[2], -1), 1));
  if (angle < 1e-6 || angle > Math.PI - 1e-6) return [a, b];
  const steps = Math.ceil(angle / (4 * RAD));
  return Array.from({ length: steps + 1 }, (_, i) => {
    const s = Math.sin((1 - i / steps) * angle);
    const w = Math.sin((i / steps) * angle);
    const [x, y, z] = u.map((c, k) => s * c + w * v[k]);
    return { lat: Math.atan2(z, Math.hypot(x, y)) / RAD, lon: Math.atan2(y, x) / RAD };
  });
}

// arc draws the shortest way; at the border of the map it goes on at the other one.
export function arc(a, b) {
  let last = null;
  let path = "";
  for (const place of way(a, b)) {
    path += (last === null || Math.abs(place.lon - last) > 180 ? "M" : "L") + point(project(place));
    last = place.lon;
  }
  return path;
}
