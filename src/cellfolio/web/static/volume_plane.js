// One plane of a volume: its slice in shades of grey, the cross-hair, directions and a scale bar.

import { make } from "./asking.js";

const TALLEST = 520; // pixels on the screen
const INK = "rgb(255 190 60 / 85%)";

export class PlaneView {
  // move(place): voxels along the three axes, that the cross-hair should go to
  constructor(plane, volume, move) {
    this.plane = plane;
    this.volume = volume;
    this.move = move;
    const name = plane.name.length === 1 ? `across ${plane.name}` : plane.name;
    this.where = make("span");
    this.canvas = make("canvas", { tabindex: "0", role: "img" });
    this.slider = make("input", { type: "range", min: "0", max: String(volume.shape[plane.axis] - 1), "aria-label": `Slice, ${name}` });
    this.failure = make("div");
    const title = make("h2", {}, name.charAt(0).toUpperCase() + name.slice(1), this.where);
    this.root = make("section", { name: "plane", "aria-label": name }, title, this.failure, this.canvas, this.slider);
    this.sheet = document.createElement("canvas");
    this.slider.addEventListener("input", () => this.move({ [plane.axis]: Number(this.slider.value) }));
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.#point(event);
    });
    this.canvas.addEventListener("pointermove", (event) => event.buttons === 1 && this.#point(event));
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.draw()).observe(this.root);
  }

  // data: a typed array, or null while it is read
  show(data, position, place, limits) {
    this.data = data;
    this.place = place;
    const { axis, name } = this.plane;
    this.slider.value = String(place[axis]);
    this.where.textContent = `${place[axis]} of ${this.volume.shape[axis] - 1} · ${position}`;
    this.canvas.setAttribute("aria-label", `${name} slice ${place[axis]} at ${position}`);
    this.slider.setAttribute("aria-valuetext", `${place[axis]}, ${position}`);
    this.failure.replaceChildren();
    this.#paint(limits);
    this.draw();
  }

  recontrast(limits) {
    this.#paint(limits);
    this.draw();
  }

  #paint([low, high]) {
    if (!this.data) return;
    const [rows, columns] = this.plane.shape;
    this.sheet.width = columns;
    this.sheet.height = rows;
    const context = this.sheet.getContext("2d");
    const picture = context.createImageData(columns, rows);
    const step = 255 / (high - low || 1);
    for (let at = 0; at < this.data.length; at += 1) {
      const grey = Math.max(0, Math.min(255, (this.data[at] - low) * step)); // NaN becomes 0
      picture.data[4 * at] = grey;
      picture.data[4 * at + 1] = grey;
      picture.data[4 * at + 2] = grey;
      picture.data[4 * at + 3] = 255;
    }
    context.putImageData(picture, 0, 0);
  }

  // Pixels on the screen for each voxel, down and across, by the spacing.
  #layout() {
    const { down, across } = this.plane;
    const { shape, spacing } = this.volume;
    const height = shape[down] * spacing[down];
    const width = shape[across] * spacing[across];
    const wide = this.canvas.clientWidth || 300;
    const scale = Math.min(wide / width, TALLEST / height);
    return { wide, scale, shown: [height * scale, width * scale], left: (wide - width * scale) / 2, millimetres: width };
  }

  draw() {
    if (!this.data) return;
    const { wide, scale, shown, left } = this.#layout();
    const [high, broad] = shown;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(wide * ratio);
    this.canvas.height = Math.max(1, Math.round(high * ratio));
    this.canvas.style.height = `${high}px`;
    const context = this.canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.imageSmoothingEnabled = broad < this.plane.shape[1];
    context.drawImage(this.sheet, left, 0, broad, high);
    this.#cross(context, left, shown);
    this.#letter(context, wide, high);
    this.#bar(context, scale, left, shown);
  }

  // Share of the way down and across at which the cross-hair lies.
  #shares() {
    const { down, across, down_turned: turned, across_turned: mirrored } = this.plane;
    const share = (axis, flip) => {
      const found = (this.place[axis] + 0.5) / this.volume.shape[axis];
      return flip ? 1 - found : found;
    };
    return [share(down, turned), share(across, mirrored)];
  }

  #cross(context, left, [high, broad]) {
    const [below, right] = this.#shares();
    const [x, y] = [left + right * broad, below * high];
    const gap = 6;
    context.strokeStyle = INK;
    context.lineWidth = 1;
    context.beginPath();
    for (const [from, to] of [[0, y - gap], [y + gap, high]]) {
      context.moveTo(x, from);
      context.lineTo(x, to);
    }
    for (const [from, to] of [[left, x - gap], [x + gap, left + broad]]) {
      context.moveTo(from, y);
      context.lineTo(to, y);
    }
    context.stroke();
  }

  #letter(context, wide, high) {
    const [top, right, bottom, left] = this.plane.letters;
    if (top === "?") return;
    context.font = "600 13px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const [text, x, y] of [[top, wide / 2, 11], [bottom, wide / 2, high - 11], [left, 11, high / 2], [right, wide - 11, high / 2]]) {
      context.fillStyle = "rgb(0 0 0 / 55%)";
      context.fillRect(x - 9, y - 9, 18, 18);
      context.fillStyle = "#fff";
      context.fillText(text, x, y);
    }
  }

  // A round length, a fifth of the width about.
  #bar(context, scale, left, [high, broad]) {
    const rough = broad / scale / 4;
    const power = 10 ** Math.floor(Math.log10(rough));
    const length = [5, 2, 1].find((one) => one * power <= rough) * power;
    const text = length >= 1 ? `${length} mm` : `${Math.round(length * 1000)} µm`;
    const [x, y] = [left + broad - length * scale - 10, high - 12];
    context.fillStyle = "rgb(0 0 0 / 55%)";
    context.fillRect(x - 6, y - 18, length * scale + 12, 26);
    context.fillStyle = "#fff";
    context.fillRect(x, y, length * scale, 3);
    context.font = "12px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "alphabetic";
    context.fillText(text, x + (length * scale) / 2, y - 5);
  }

  #point(event) {
    const box = this.canvas.getBoundingClientRect();
    const { left, shown } = this.#layout();
    const { down, across, down_turned: turned, across_turned: mirrored } = this.plane;
    const voxel = (share, axis, flip) => {
      const size = this.volume.shape[axis];
      return Math.max(0, Math.min(size - 1, Math.floor((flip ? 1 - share : share) * size)));
    };
    this.move({
      [down]: voxel((event.clientY - box.top) / shown[0], down, turned),
      [across]: voxel((event.clientX - box.left - left) / shown[1], across, mirrored),
    });
  }

  #key(event) {
    const { axis, down, across, down_turned: turned, across_turned: mirrored } = this.plane;
    const lower = turned ? -1 : 1;
    const right = mirrored ? -1 : 1;
    const steps = {
      ArrowUp: [down, -lower], ArrowDown: [down, lower], ArrowLeft: [across, -right], ArrowRight: [across, right],
      PageUp: [axis, 1], PageDown: [axis, -1],
    };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const [along, by] = steps[event.key];
    this.move({ [along]: this.place[along] + by });
  }

  // The value under the cross-hair.
  get value() {
    const { shape, step, down, across, down_turned: turned, across_turned: mirrored } = this.plane;
    const at = (axis, flip) => Math.floor((flip ? this.volume.shape[axis] - 1 - this.place[axis] : this.place[axis]) / step);
    return this.data?.[at(down, turned) * shape[1] + at(across, mirrored)];
  }
}
