// A channel's histogram with two handles. The handles are sliders of the browser, so that keys
// and screen readers work; they lie upon each other and upon the histogram.

import { make, told } from "./dom.js";

const STEPS = 1000;

export class ContrastControl {
  #span = { low: 0, high: 1 };
  #drawn = "";

  constructor(name, change) {
    this.change = change;
    this.canvas = make("canvas", { class: "histogram", width: 256, height: 40, "aria-hidden": "true" });
    this.low = this.#handle(`${name}: black at`, "low");
    this.high = this.#handle(`${name}: white at`, "high");
    this.element = make("div", { class: "contrast" }, this.canvas, this.low, this.high);
  }

  #handle(label, side) {
    return make("input", {
      type: "range",
      "aria-label": label,
      class: side,
      oninput: () => this.#moved(side),
    });
  }

  #moved(side) {
    const step = this.#step();
    let low = Number(this.low.value);
    let high = Number(this.high.value);
    if (side === "low") low = Math.min(low, high - step);
    else high = Math.max(high, low + step);
    this.change({ low, high });
  }

  #step() {
    return this.whole ? 1 : (this.#span.high - this.#span.low) / STEPS;
  }

  // What is shown: limits, what was measured of the plane, and the channel's colour.
  show({ low, high, measured, colour, whole, bound }) {
    this.whole = whole;
    if (measured) this.#span = spanOf(measured, bound, { low, high });
    const { low: from, high: to } = this.#span;
    for (const [input, value] of [[this.low, low], [this.high, high]]) {
      input.min = from;
      input.max = to;
      input.step = whole ? "1" : "any";
      input.value = value;
      input.setAttribute("aria-valuetext", told(value));
    }
    if (measured) this.#draw(measured, { low, high, colour });
  }

  #draw(measured, { low, high, colour }) {
    const { low: from, high: to } = this.#span;
    const { theme } = document.documentElement.dataset;
    const key = [measured.address, from, to, low, high, colour, theme].join();
    if (key === this.#drawn) return;
    this.#drawn = key;
    const { width, height } = this.canvas;
    const pen = this.canvas.getContext("2d");
    pen.clearRect(0, 0, width, height);
    const bins = measured.bins(from, to);
    // Rule: the square root shows both the background's peak and the few bright pixels.
    const most = Math.sqrt(bins.reduce((a, b) => Math.max(a, b), 1));
    pen.fillStyle = colour;
    pen.globalAlpha = 0.75;
    bins.forEach((count, bin) => {
      const top = (Math.sqrt(count) / most) * (height - 2);
      pen.fillRect((bin * width) / bins.length, height - top, width / bins.length, top);
    });
    pen.globalAlpha = 1;
    const place = (value) => ((value - from) / (to - from || 1)) * width;
    pen.fillStyle = pen.strokeStyle = getComputedStyle(this.canvas).color;
    pen.beginPath();
    pen.moveTo(place(low), height);
    pen.lineTo(place(high), 0);
    pen.stroke();
  }
}

// From the darkest pixel to well above white: few bright pixels would leave the rest no room.
function spanOf(measured, bound, { low, high }) {
  const room = Math.max(high, (bound ?? high) * 2 - measured.low);
  const top = Math.max(Math.min(measured.high, room), high);
  const bottom = Math.min(measured.low, low);
  return { low: bottom, high: top > bottom ? top : bottom + 1 };
}
