// Where names stand on the map: beside their place, and over nothing else.

const meets = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

// Labels gives each text a free spot. What fits nowhere is left out: the tables tell it.
export class Labels {
  constructor(wide) {
    this.wide = wide;
    this.taken = [];
  }

  // keep has no label cover a dot.
  keep({ x, y }, radius) {
    this.taken.push({ left: x - radius, right: x + radius, top: y - radius, bottom: y + radius });
  }

  // spot returns where a text of a size may begin, or null.
  spot({ x, y }, text, size) {
    const wide = text.length * size * 0.58;
    for (const [dx, dy] of spots(wide, size)) {
      const box = { left: x + dx, right: x + dx + wide, top: y + dy - size * 0.85, bottom: y + dy + size * 0.25 };
      if (box.left < 2 || box.right > this.wide - 2 || this.taken.some((t) => meets(t, box))) continue;
      this.taken.push(box);
      return { x: x + dx, y: y + dy };
    }
    return null;
  }
}

function* spots(wide, size) {
  for (const far of [0.75 * size, 1.3 * size, 2 * size]) {
    yield [far, size * 0.35];
    yield [-far - wide, size * 0.35];
    yield [-wide / 2, -far];
    yield [-wide / 2, far + size * 0.7];
    yield [far * 0.7, -far * 0.7];
    yield [far * 0.7, far * 0.7 + size * 0.7];
    yield [-wide - far * 0.7, -far * 0.7];
    yield [-wide - far * 0.7, far * 0.7 + size * 0.7];
  }
}
