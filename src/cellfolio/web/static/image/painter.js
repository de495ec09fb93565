// Draws planes on the processor, for browsers without a graphics card: the picture that `card.js`
// draws, pixel by pixel.

import { BACK } from "./card.js";

const MOST = 600_000; // pixels of a quick frame; of larger ones every second is drawn
const STEPS = 4096; // of the curve that a gamma makes

export class Painter {
  #context;
  #curve = null;
  #overlays = [];

  constructor(canvas) {
    this.canvas = canvas;
    this.largest = Infinity;
    this.#context = canvas.getContext("2d", { alpha: false });
  }

  restore() {}

  draw(frame) {
    const coarse = frame.quick && frame.width * frame.height > MOST ? 2 : 1;
    const width = Math.ceil(frame.width / coarse);
    const height = Math.ceil(frame.height / coarse);
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    const view = viewOf({ ...frame, width, height, pixel: frame.pixel * coarse, stroke: frame.stroke / coarse });
    const overlay = frame.layers.length ? this.#overlay(view) : null;
    const context = this.#context;
    context.fillStyle = `rgb(${BACK.slice(0, 3).map((part) => Math.round(255 * part)).join()})`;
    context.fillRect(0, 0, width, height);
    if (!view.wide || !view.tall) return;
    const pixels = context.createImageData(view.wide, view.tall);
    this.#light(view, pixels.data, overlay);
    context.putImageData(pixels, view.left, view.top);
  }

  #light(view, pixels, overlay) {
    const { wide, tall, gamma } = view;
    const curve = gamma === 1 ? null : this.#curveOf(gamma);
    const lit = view.channels.filter(({ colour }) => colour.some((part) => part > 0));
    const fine = view.quick ? 1 : view.taps;
    const sum = new Float32Array(wide);
    const row = new Float32Array(3 * wide);
    const columns = lit.length ? columnsOf(view, lit[0].plane, fine) : null;
    for (let y = 0; y < tall; y++) {
      row.fill(0);
      const rows = lit.length ? rowsOf(view, lit[0].plane, fine, y) : null;
      for (const { plane, low, high, colour } of lit) {
        gather(plane, rows, columns, sum, low);
        brighten(row, sum, fine * fine * low, 1 / (fine * fine * (high - low)), colour, curve);
      }
      finish(row, pixels, 4 * wide * y, overlay);
    }
  }

  #curveOf(gamma) {
    if (this.#curve?.gamma !== gamma) {
      const values = Float32Array.from({ length: STEPS + 1 }, (_, at) => (at / STEPS) ** gamma);
      this.#curve = { gamma, values };
    }
    return this.#curve.values;
  }

  // Outlines change with the view and the objects, not with the contrast of channels; those of
  // quick frames and of others are kept.
  #overlay(view) {
    const key = JSON.stringify([view.width, view.height, view.origin, view.pixel, view.stroke,
      view.layers.map(({ plane, ...rest }) => [plane.address, rest])]);
    const kept = this.#overlays.find((one) => one.key === key);
    if (kept) return kept.values;
    const values = new Float32Array(4 * view.wide * view.tall);
    view.layers.forEach((layer) => outline(view, layer, values));
    this.#overlays = [...this.#overlays.slice(-1), { key, values }];
    return values;
  }
}

// The part of the stage where the image is: beside it there is nothing to compute.
function viewOf(frame) {
  const { origin, pixel, whole, width, height } = frame;
  const inside = (value, most) => Math.min(Math.max(Math.round(value), 0), most);
  const left = inside(-origin.x / pixel, width);
  const top = inside(-origin.y / pixel, height);
  const right = inside((whole.width - origin.x) / pixel, width);
  const bottom = inside((whole.height - origin.y) / pixel, height);
  return { ...frame, left, top, wide: Math.max(0, right - left), tall: Math.max(0, bottom - top) };
}

// Pixels of a plane along an axis, for each of `count` pixels of the stage `fine` of them.
function indices({ origin, pixel }, first, count, fine, ratio, most) {
  const found = new Int32Array(fine * count);
  for (let tap = 0; tap < fine; tap++) {
    const off = (tap + 0.5) / fine - 0.5;
    for (let at = 0; at < count; at++) {
      const place = (origin + (first + at + 0.5 + off) * pixel) * ratio;
      found[tap * count + at] = Math.min(Math.max(Math.floor(place), 0), most);
    }
  }
  return found;
}

const columnsOf = ({ origin, pixel, left, wide, whole }, plane, fine) =>
  indices({ origin: origin.x, pixel }, left, wide, fine, plane.width / whole.width, plane.width - 1);

const rowsOf = ({ origin, pixel, top, whole }, plane, fine, y) =>
  indices({ origin: origin.y, pixel }, top + y, 1, fine, plane.height / whole.height, plane.height - 1);

// Add up what the pixels of a row of the stage see; what is no number is as dark as can be.
function gather({ data, width }, rows, columns, sum, dark) {
  sum.fill(0);
  const wide = sum.length;
  for (const row of rows) {
    const begin = row * width;
    for (let tap = 0; tap < columns.length; tap += wide) {
      for (let x = 0; x < wide; x++) {
        const value = data[begin + columns[tap + x]];
        sum[x] += value === value ? value : dark;
      }
    }
  }
}

function brighten(row, sum, low, scale, [red, green, blue], curve) {
  for (let x = 0, to = 0; x < sum.length; x++, to += 3) {
    const part = (sum[x] - low) * scale;
    if (!(part > 0)) continue;
    const light = part >= 1 ? 1 : curve ? curve[Math.round(part * STEPS)] : part;
    row[to] += light * red;
    row[to + 1] += light * green;
    row[to + 2] += light * blue;
  }
}

function finish(row, pixels, begin, overlay) {
  for (let from = 0, to = begin; from < row.length; from += 3, to += 4) {
    const rest = overlay ? 1 - overlay[to + 3] : 1;
    for (let part = 0; part < 3; part++) {
      const light = row[from + part] < 1 ? row[from + part] : 1;
      pixels[to + part] = 255 * (light * rest + (overlay ? overlay[to + part] : 0));
    }
    pixels[to + 3] = 255;
  }
}

// Lay the outlines of a layer over those that are there: colours times opacity, and opacity.
function outline(view, { plane, colour, opacity, chosen, pointed }, values) {
  const line = [...colour.map((part) => part * opacity), opacity];
  const columns = columnsOf(view, plane, 1);
  for (let y = 0; y < view.tall; y++) {
    const [row] = rowsOf(view, plane, 1, y);
    for (let x = 0; x < view.wide; x++) {
      const here = plane.data[row * plane.width + columns[x]];
      if (!here) continue;
      const strong = here === chosen;
      const seen = isEdge(view, plane, here, x, y, view.pixel * view.stroke * (strong ? 2 : 1))
        ? (strong ? [1, 1, 1, 1] : line)
        : tinted(colour, strong ? 0.12 : here === pointed ? 0.2 : 0);
      if (seen) lay(values, 4 * (y * view.wide + x), seen);
    }
  }
}

const tinted = (colour, tint) => tint && [...colour.map((part) => part * tint), tint];

function lay(values, at, seen) {
  const rest = 1 - seen[3];
  for (let part = 0; part < 4; part++) values[at + part] = seen[part] + values[at + part] * rest;
}

// Whether another object is near. Where the image cuts an object there is no line.
function isEdge({ origin, pixel, left, top, whole }, plane, here, x, y, reach) {
  const across = origin.x + (left + x + 0.5) * pixel;
  const down = origin.y + (top + y + 0.5) * pixel;
  const differs = (at, to) => {
    if (at < 0 || to < 0 || at >= whole.width || to >= whole.height) return false;
    const column = Math.min(Math.floor((at * plane.width) / whole.width), plane.width - 1);
    const row = Math.min(Math.floor((to * plane.height) / whole.height), plane.height - 1);
    return plane.data[row * plane.width + column] !== here;
  };
  return differs(across + reach, down) || differs(across - reach, down)
    || differs(across, down + reach) || differs(across, down - reach);
}
