// Hundreds of thousands of points: zoom, pan, the point under the pointer, a lasso.
//
// Places are kept as shares of the span of the data ("units", from 0 to 1), so that single precision
// is enough wherever the data lie. The view is the unit in the middle, and how much it is enlarged.

import { openCard } from "./graphics_card.js";
import { drawAxes } from "./scatter_axes.js";
import { colourBytes, drawingOrder } from "./scatter_colouring.js";
import { PointRenderer } from "./scatter_gl.js";
import { Grid, thinned } from "./scatter_grid.js";
import { PointPainter } from "./scatter_painter.js";

const MARGIN = { left: 64, right: 10, top: 10, bottom: 40 };
const CORNERS = 64; // of a lasso, so that it fits an address
const REACH = 12; // pixels from the pointer to a point that it means
const MOST_ZOOM = 5000;
const STILL = 180; // milliseconds without a movement, after which all points are drawn
const FIRST = 40000; // points of the first frame, before it is known how fast they are drawn
const FEWEST = 5000; // points of a frame while something moves
const SLOW = 40; // milliseconds between frames, above which fewer points are drawn,
const QUICK = 22; // and below which more are

export class Scatter extends EventTarget {
  constructor(host, label) {
    super();
    this.host = host;
    const card = openCard();
    this.points = canvasIn(host, "points", card?.canvas);
    this.front = canvasIn(host, "front");
    this.front.tabIndex = 0;
    this.front.setAttribute("role", "application");
    this.front.setAttribute("aria-label", label);
    this.renderer = card ? new PointRenderer(card) : new PointPainter(this.points);
    this.units = new Float32Array(0);
    this.count = 0;
    this.colours = null;
    this.hidden = new Set();
    this.chosen = null;
    this.size = 4;
    this.lassoing = false;
    this.drawn = null; // corners of a lasso, in units
    this.view = { x: 0.5, y: 0.5, zoom: 1 };
    this.pace = { most: FIRST, moved: 0, last: 0, rest: 0 };
    this.frame = { low: [0, 0], span: [1, 1], shares: [1, 1], equal: false, down: false, labels: ["", ""] };
    this.#listen();
    new ResizeObserver(() => this.draw()).observe(host);
    document.documentElement.addEventListener("theme", () => this.paint());
    this.points.addEventListener("restored", () => this.draw());
  }

  // What is shown

  setPlaces(places, { equal, down, labels }) {
    this.count = places.length / 2;
    const bounds = boundsOf(places);
    const spans = [0, 1].map((axis) => bounds.high[axis] - bounds.low[axis] || 1);
    const span = equal ? [Math.max(...spans), Math.max(...spans)] : spans;
    // With one scale for both axes, the shorter one is in the middle.
    const low = bounds.low.map((one, axis) => one - (span[axis] - spans[axis]) / 2);
    const shares = spans.map((one, axis) => one / span[axis]);
    this.frame = { low, span, shares, equal, down, labels };
    this.units = new Float32Array(places.length);
    this.placed = 0;
    for (let at = 0; at < places.length; at += 2) {
      this.units[at] = (places[at] - low[0]) / span[0];
      this.units[at + 1] = (places[at + 1] - low[1]) / span[1];
      if (this.units[at] === this.units[at]) this.placed += 1;
    }
    this.grid = new Grid(this.units);
    const there = this.units.map((one) => (one === one ? one : 9));
    this.renderer.setPlaces(there);
    this.#moved();
    this.chosen = null;
    this.drawn = null;
    this.order = null;
    this.paint();
  }

  // kind, values, and of numbers their limits, of classes the code of missing ones
  setColours(colours) {
    this.colours = colours;
    this.hidden = new Set();
    this.order = null;
    this.paint();
  }

  hide(codes) {
    this.hidden = new Set(codes);
    this.paint();
  }

  setLimits(limits) {
    this.colours.limits = limits;
    this.paint();
  }

  setSize(size) {
    this.size = size;
    this.draw();
  }

  // Rows that stand out; null for all alike.
  choose(rows, line = null) {
    this.chosen = rows === null ? null : rows;
    this.drawn = line;
    this.paint();
  }

  isShown(row) {
    if (this.units[2 * row] !== this.units[2 * row]) return false;
    return !(this.colours && this.colours.kind === "category" && this.hidden.has(this.colours.values[row]));
  }

  rowsInside(line) {
    return this.grid.inside(line, (row) => this.isShown(row));
  }

  rowsOfClass(code) {
    const found = [];
    for (let row = 0; row < this.count; row += 1) if (this.colours.values[row] === code) found.push(row);
    return Uint32Array.from(found);
  }

  // Data and units: lines in addresses are in those of the data

  toData(line) {
    return line.map((one, at) => this.frame.low[at % 2] + one * this.frame.span[at % 2]);
  }

  toUnits(line) {
    return line.map((one, at) => (one - this.frame.low[at % 2]) / this.frame.span[at % 2]);
  }

  setView(view) {
    this.view = { ...view, zoom: Math.min(MOST_ZOOM, Math.max(0.2, view.zoom)) };
    this.#moved();
    this.draw();
    this.dispatchEvent(new CustomEvent("view"));
  }

  // Painting: a colour for each point

  paint() {
    if (!this.count) {
      this.draw();
      return;
    }
    const bytes = colourBytes(this.count, this.colours, this.hidden);
    if (this.chosen) this.#dim(bytes);
    if (!this.order) {
      this.order = drawingOrder(this.count, this.colours);
      this.renderer.setOrder(this.order);
    }
    this.renderer.setColours(bytes);
    this.draw();
  }

  #dim(bytes) {
    const chosen = new Uint8Array(this.count);
    for (const row of this.chosen) chosen[row] = 1;
    for (let row = 0; row < this.count; row += 1) if (!chosen[row] && bytes[4 * row + 3]) bytes[4 * row + 3] = 28;
  }

  // From units to pixels of the plot

  get plot() {
    const width = Math.max(1, this.host.clientWidth - MARGIN.left - MARGIN.right);
    const height = Math.max(1, this.host.clientHeight - MARGIN.top - MARGIN.bottom);
    const room = 0.94;
    const sides = [(width * room) / this.frame.shares[0], (height * room) / this.frame.shares[1]];
    const scale = this.frame.equal ? [Math.min(...sides), Math.min(...sides)] : sides;
    return { width, height, scale: scale.map((one) => one * this.view.zoom) };
  }

  toPixel(x, y) {
    const { width, height, scale } = this.plot;
    const up = (y - this.view.y) * scale[1] * (this.frame.down ? 1 : -1);
    return [MARGIN.left + width / 2 + (x - this.view.x) * scale[0], MARGIN.top + height / 2 + up];
  }

  toUnit(left, top) {
    const { width, height, scale } = this.plot;
    const up = (top - MARGIN.top - height / 2) * (this.frame.down ? 1 : -1);
    return [this.view.x + (left - MARGIN.left - width / 2) / scale[0], this.view.y + up / scale[1]];
  }

  draw() {
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = 0;
      this.#drawNow();
    });
  }

  #moved() {
    this.pace.moved = performance.now();
    clearTimeout(this.pace.rest);
    this.pace.rest = setTimeout(() => this.draw(), STILL + 1);
  }

  // How many points this frame has: while something moves, as many as are drawn without a stutter.
  #most() {
    const now = performance.now();
    const since = now - this.pace.last;
    this.pace.last = now;
    if (now - this.pace.moved >= STILL) return this.count;
    if (since > SLOW && since < STILL) this.pace.most = Math.max(FEWEST, this.pace.most * 0.6);
    if (since < QUICK) this.pace.most = Math.min(this.count, this.pace.most * 1.3);
    return Math.round(this.pace.most);
  }

  #drawNow() {
    const ratio = window.devicePixelRatio || 1;
    const { width, height, scale } = this.plot;
    fit(this.points, width, height, ratio);
    fit(this.front, this.host.clientWidth, this.host.clientHeight, ratio);
    const turn = this.frame.down ? -1 : 1;
    const share = [(2 * scale[0]) / width, ((2 * scale[1]) / height) * turn];
    this.renderer.draw({
      scale: share,
      shift: [-this.view.x * share[0], -this.view.y * share[1]],
      size: Math.max(1, this.size * ratio),
      most: this.#most(),
    });
    drawAxes(this, MARGIN, ratio);
    this.dispatchEvent(new CustomEvent("drawn"));
  }

  // What people do

  #listen() {
    const front = this.front;
    this.pointers = new Map();
    front.addEventListener("pointerdown", (event) => this.#down(event));
    front.addEventListener("pointermove", (event) => this.#move(event));
    front.addEventListener("pointerup", (event) => this.#up(event));
    front.addEventListener("pointercancel", (event) => this.#forget(event));
    front.addEventListener("pointerleave", () => this.#hover(null));
    front.addEventListener("dblclick", () => this.reset());
    front.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    front.addEventListener("keydown", (event) => this.#key(event));
  }

  #at(event) {
    const box = this.front.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #down(event) {
    if (event.button !== 0 || !this.grid) return;
    this.front.setPointerCapture(event.pointerId);
    const at = this.#at(event);
    this.pointers.set(event.pointerId, at);
    this.moved = 0;
    if (this.pointers.size > 1) this.line = null;
    else if (this.lassoing || event.shiftKey) this.line = [...this.toUnit(...at)];
  }

  #move(event) {
    const at = this.#at(event);
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      this.#hover(at);
      return;
    }
    this.moved += Math.hypot(at[0] - before[0], at[1] - before[1]);
    this.pointers.set(event.pointerId, at);
    if (this.line) {
      this.line.push(...this.toUnit(...at));
      this.drawn = this.line;
      this.draw();
    } else if (this.pointers.size === 2) this.#pinch(event.pointerId, before, at);
    else this.#pan(at[0] - before[0], at[1] - before[1]);
  }

  #pan(right, below) {
    const { scale } = this.plot;
    const up = (below / scale[1]) * (this.frame.down ? -1 : 1);
    this.setView({ ...this.view, x: this.view.x - right / scale[0], y: this.view.y + up });
  }

  #pinch(moving, before, at) {
    const [other] = [...this.pointers].filter(([number]) => number !== moving).map(([, place]) => place);
    const far = (one) => Math.hypot(one[0] - other[0], one[1] - other[1]) || 1;
    this.zoomAt((at[0] + other[0]) / 2, (at[1] + other[1]) / 2, far(at) / far(before));
  }

  #up(event) {
    const at = this.pointers.get(event.pointerId);
    this.#forget(event);
    if (!at) return;
    if (this.line && this.line.length >= 6) {
      const line = thinned(this.line, CORNERS);
      this.line = null;
      this.dispatchEvent(new CustomEvent("lasso", { detail: line }));
    } else if (this.moved < 4) {
      this.line = null;
      const row = this.#rowAt(at);
      this.dispatchEvent(new CustomEvent("pick", { detail: row }));
    }
  }

  #forget(event) {
    this.pointers.delete(event.pointerId);
  }

  #rowAt([left, top]) {
    if (!this.grid) return -1;
    const { scale } = this.plot;
    const reach = [REACH / scale[0], REACH / scale[1]];
    return this.grid.nearest(...this.toUnit(left, top), reach, (row) => this.isShown(row));
  }

  #hover(at) {
    const row = at ? this.#rowAt(at) : -1;
    if (row === this.under) return;
    this.under = row;
    this.draw();
    this.dispatchEvent(new CustomEvent("hover", { detail: row }));
  }

  #wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    this.zoomAt(...this.#at(event), Math.exp(-event.deltaY * lines * 0.0016));
  }

  zoomAt(left, top, factor) {
    const [x, y] = this.toUnit(left, top);
    const zoom = Math.min(MOST_ZOOM, Math.max(0.2, this.view.zoom * factor));
    const share = this.view.zoom / zoom;
    this.setView({ zoom, x: x + (this.view.x - x) * share, y: y + (this.view.y - y) * share });
  }

  zoomBy(factor) {
    this.zoomAt(MARGIN.left + this.plot.width / 2, MARGIN.top + this.plot.height / 2, factor);
  }

  reset() {
    this.setView({ x: 0.5, y: 0.5, zoom: 1 });
  }

  #key(event) {
    const step = 60;
    const steps = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    if (event.key in steps) this.#pan(...steps[event.key]);
    else if (event.key === "+" || event.key === "=") this.zoomBy(1.4);
    else if (event.key === "-") this.zoomBy(1 / 1.4);
    else if (event.key === "0") this.reset();
    else if (event.key === "Escape") this.dispatchEvent(new CustomEvent("pick", { detail: -1 }));
    else return;
    event.preventDefault();
  }
}

function canvasIn(host, name, canvas = document.createElement("canvas")) {
  canvas.className = name;
  host.append(canvas);
  return canvas;
}

function fit(canvas, width, height, ratio) {
  const wide = Math.round(width * ratio);
  const high = Math.round(height * ratio);
  if (canvas.width !== wide) canvas.width = wide;
  if (canvas.height !== high) canvas.height = high;
}

function boundsOf(places) {
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  for (let at = 0; at < places.length; at += 1) {
    const axis = at % 2;
    if (places[at] < low[axis]) low[axis] = places[at];
    if (places[at] > high[axis]) high[axis] = places[at];
  }
  if (low[0] > high[0]) return { low: [0, 0], high: [1, 1] };
  return { low, high };
}
