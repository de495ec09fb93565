// A colour for each point, and the order in which points are drawn.

import { classColour, missingColour, parts, RAMP } from "./scatter_palette.js";

const ALPHA = 217; // a little is seen through, so that dense places look denser
const LEVELS = 1024;

// Four bytes for each point; those with alpha 0 are not drawn.
export function colourBytes(count, colours, hidden) {
  const bytes = new Uint8Array(4 * count);
  if (!colours) paintPlain(bytes, count);
  else if (colours.kind === "number") paintNumbers(bytes, count, colours);
  else paintClasses(bytes, count, colours, hidden);
  return bytes;
}

function paintPlain(bytes, count) {
  const [red, green, blue] = parts(classColour(0));
  for (let row = 0; row < count; row += 1) put(bytes, row, red, green, blue);
}

function paintNumbers(bytes, count, { values, limits }) {
  const missing = parts(missingColour());
  const step = 255 / (limits[1] - limits[0] || 1);
  for (let row = 0; row < count; row += 1) {
    const value = values[row];
    if (value === value) {
      const at = 3 * Math.max(0, Math.min(255, Math.round((value - limits[0]) * step)));
      put(bytes, row, RAMP[at], RAMP[at + 1], RAMP[at + 2]);
    } else put(bytes, row, missing[0], missing[1], missing[2]);
  }
}

function paintClasses(bytes, count, { values, missingCode, classes }, hidden) {
  const table = new Uint8Array(3 * (classes + 1));
  for (let code = 0; code < classes; code += 1) table.set(parts(classColour(code)), 3 * code);
  table.set(parts(missingColour()), 3 * classes);
  const gone = new Uint8Array(classes + 1);
  for (const code of hidden) gone[code === missingCode ? classes : code] = 1;
  for (let row = 0; row < count; row += 1) {
    const code = values[row] === missingCode ? classes : values[row];
    if (!gone[code]) put(bytes, row, table[3 * code], table[3 * code + 1], table[3 * code + 2]);
  }
}

function put(bytes, row, red, green, blue) {
  const at = 4 * row;
  bytes[at] = red;
  bytes[at + 1] = green;
  bytes[at + 2] = blue;
  bytes[at + 3] = ALPHA;
}

// High numbers lie in front; classes lie in an order by chance, so that none hides the others.
export function drawingOrder(count, colours) {
  return colours && colours.kind === "number" ? byNumber(count, colours) : byChance(count);
}

function byChance(count) {
  const order = new Uint32Array(count);
  for (let row = 0; row < count; row += 1) order[row] = row;
  let state = 1;
  for (let at = count - 1; at > 0; at -= 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = state % (at + 1);
    const kept = order[at];
    order[at] = order[other];
    order[other] = kept;
  }
  return order;
}

// Sorted by counting: to compare 200,000 numbers would take longer than a frame.
function byNumber(count, { values, limits }) {
  const step = (LEVELS - 2) / (limits[1] - limits[0] || 1);
  const level = (value) => (value === value ? 1 + Math.max(0, Math.min(LEVELS - 2, Math.round((value - limits[0]) * step))) : 0);
  const starts = new Uint32Array(LEVELS + 1);
  for (let row = 0; row < count; row += 1) starts[level(values[row]) + 1] += 1;
  for (let at = 1; at <= LEVELS; at += 1) starts[at] += starts[at - 1];
  const order = new Uint32Array(count);
  for (let row = 0; row < count; row += 1) {
    const at = level(values[row]);
    order[starts[at]] = row;
    starts[at] += 1;
  }
  return order;
}
