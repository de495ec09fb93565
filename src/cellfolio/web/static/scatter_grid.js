// Which points lie near a place, and which lie inside of a line: found by cells of a grid.

export class Grid {
  // places: x and y in turn, from 0 to 1; those that are NaN are in no cell.
  constructor(places) {
    this.places = places;
    const count = places.length / 2;
    this.side = Math.max(1, Math.min(512, Math.round(Math.sqrt(count / 2))));
    const cells = new Int32Array(count);
    this.starts = new Uint32Array(this.side * this.side + 1);
    for (let row = 0; row < count; row += 1) {
      const x = places[2 * row];
      cells[row] = x === x ? this.#cell(x, places[2 * row + 1]) : -1;
      if (cells[row] >= 0) this.starts[cells[row] + 1] += 1;
    }
    for (let at = 1; at < this.starts.length; at += 1) this.starts[at] += this.starts[at - 1];
    this.rows = new Uint32Array(this.starts[this.starts.length - 1]);
    const next = this.starts.slice();
    for (let row = 0; row < count; row += 1) {
      if (cells[row] < 0) continue;
      this.rows[next[cells[row]]] = row;
      next[cells[row]] += 1;
    }
  }

  #step(value) {
    return Math.max(0, Math.min(this.side - 1, Math.floor(value * this.side)));
  }

  #cell(x, y) {
    return this.#step(y) * this.side + this.#step(x);
  }

  // Rows of the cells that a box touches.
  *within(left, top, right, bottom) {
    for (let down = this.#step(top); down <= this.#step(bottom); down += 1) {
      const line = down * this.side;
      const start = this.starts[line + this.#step(left)];
      const stop = this.starts[line + this.#step(right) + 1];
      for (let at = start; at < stop; at += 1) yield this.rows[at];
    }
  }

  // The nearest row to a place, at most one unit away when x and y are divided by `reach`; or -1.
  nearest(x, y, reach, isShown) {
    let best = -1;
    let least = 1;
    for (const row of this.within(x - reach[0], y - reach[1], x + reach[0], y + reach[1])) {
      const across = (this.places[2 * row] - x) / reach[0];
      const up = (this.places[2 * row + 1] - y) / reach[1];
      const far = across * across + up * up;
      if (far < least && isShown(row)) {
        best = row;
        least = far;
      }
    }
    return best;
  }

  // Rows inside of a closed line: x and y of its corners in turn.
  inside(line, isShown) {
    const xs = line.filter((_, at) => at % 2 === 0);
    const ys = line.filter((_, at) => at % 2 === 1);
    const box = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
    const found = [];
    for (const row of this.within(...box)) {
      if (isShown(row) && isInside(line, this.places[2 * row], this.places[2 * row + 1])) found.push(row);
    }
    return Uint32Array.from(found).sort();
  }
}

// A point is inside if a ray to the right crosses the line an odd number of times.
export function isInside(line, x, y) {
  let inside = false;
  for (let at = 0, last = line.length - 2; at < line.length; last = at, at += 2) {
    const above = line[at + 1] > y;
    if (above !== line[last + 1] > y) {
      const cross = line[at] + ((y - line[at + 1]) * (line[last] - line[at])) / (line[last + 1] - line[at + 1]);
      if (x < cross) inside = !inside;
    }
  }
  return inside;
}

// The same line with at most so many corners, so that it fits an address.
export function thinned(line, most) {
  const corners = line.length / 2;
  if (corners <= most) return line;
  const found = [];
  for (let at = 0; at < most; at += 1) {
    const from = Math.floor((at * corners) / most);
    found.push(line[2 * from], line[2 * from + 1]);
  }
  return found;
}
