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

  // The nearest row to a place, at most one unit away when x and y are divided by `reach`; or -1.
  nearest(x, y, reach, isShown) {
    let best = -1;
    let least = 1;
    for (let down = this.#step(y - reach[1]); down <= this.#step(y + reach[1]); down += 1) {
      const [start, stop] = this.#span(down, x - reach[0], x + reach[0]);
      for (let at = start; at < stop; at += 1) {
        const row = this.rows[at];
        const across = (this.places[2 * row] - x) / reach[0];
        const up = (this.places[2 * row + 1] - y) / reach[1];
        const far = across * across + up * up;
        if (far < least && isShown(row)) {
          best = row;
          least = far;
        }
      }
    }
    return best;
  }

  // Where the rows of some neighbouring cells begin and end.
  #span(down, left, right) {
    const line = down * this.side;
    return [this.starts[line + this.#step(left)], this.starts[line + this.#step(right) + 1]];
  }

  // Rows inside of a closed line: x and y of its corners in turn.
  inside(line, isShown) {
    const xs = line.filter((_, at) => at % 2 === 0);
    const ys = line.filter((_, at) => at % 2 === 1);
    const [left, right] = [Math.min(...xs), Math.max(...xs)];
    const found = new Uint32Array(this.rows.length);
    let count = 0;
    for (let down = this.#step(Math.min(...ys)); down <= this.#step(Math.max(...ys)); down += 1) {
      const edges = this.#edges(line, down);
      const [start, stop] = this.#span(down, left, right);
      for (let at = start; at < stop; at += 1) {
        const row = this.rows[at];
        if (isInside(edges, this.places[2 * row], this.places[2 * row + 1]) && isShown(row)) {
          found[count] = row;
          count += 1;
        }
      }
    }
    return found.slice(0, count).sort();
  }

  // Edges of a line that may cross a ray from a place in a row of cells: x1, y1, x2, y2 in turn.
  #edges(line, down) {
    const found = [];
    const outer = down === 0 || down === this.side - 1; // its cells have what lies beyond, too
    const [low, high] = [down / this.side - 1e-6, (down + 1) / this.side + 1e-6];
    for (let at = 0, last = line.length - 2; at < line.length; last = at, at += 2) {
      const [one, other] = [line[last + 1], line[at + 1]];
      if (outer || (Math.max(one, other) >= low && Math.min(one, other) <= high)) found.push(line[last], one, line[at], other);
    }
    return Float64Array.from(found);
  }
}

// A point is inside if a ray to the right crosses an odd number of edges.
export function isInside(edges, x, y) {
  let inside = false;
  for (let at = 0; at < edges.length; at += 4) {
    const low = edges[at + 1];
    const high = edges[at + 3];
    if (low > y !== high > y && x < edges[at] + ((y - low) * (edges[at + 2] - edges[at])) / (high - low)) inside = !inside;
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
