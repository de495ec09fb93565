// Three planes of a volume with one cross-hair; slices are asked for when they are looked at.

import { readState, writeState } from "./address.js";
import { fetchJson, make, showFailure } from "./asking.js";
import { numberText } from "./scatter_axes.js";
import { PlaneView } from "./volume_plane.js";

const ARRAYS = { uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array, uint32: Uint32Array, int32: Int32Array, float32: Float32Array };
const PLAIN = { at: "", time: "", low: "", high: "" };
const KEPT = 60; // slices of all planes

class Page {
  constructor(root) {
    this.root = root;
    this.reference = root.dataset.volume;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.state = readState(PLAIN);
    this.slices = new Map();
  }

  async begin() {
    this.volume = await this.opened();
    const { volume } = this;
    const told = this.state.at.split(",").map(Number);
    const whole = told.length === 3 && told.every(Number.isInteger);
    this.place = volume.shape.map((size, axis) => Math.max(0, Math.min(size - 1, whole ? told[axis] : size >> 1)));
    this.time = Math.max(0, Math.min(volume.times - 1, Number(this.state.time) || 0));
    this.limits = ["low", "high"].map((name, at) => (this.state[name] === "" || !Number.isFinite(Number(this.state[name])) ? volume.limits[at] : Number(this.state[name])));
    this.views = volume.planes.map((plane) => new PlaneView(plane, volume, (some) => this.move(some)));
    this.part("planes").replaceChildren(...this.views.map((view) => view.root));
    this.describe();
    this.listen();
    await this.show();
    this.root.dataset.state = "ready";
  }

  async opened() {
    for (;;) {
      const found = await fetchJson(`/api/volume/${this.reference}`);
      if (found.state === "done") return found;
      if (found.state === "failed") throw Object.assign(new Error(found.error), { hint: found.hint });
      this.part("status").textContent = `Unpacking the file… ${Math.round(found.seconds)} s`;
      await new Promise((done) => setTimeout(done, 700));
    }
  }

  describe() {
    const { shape, spacing, stored, orientation, notes, times, planes } = this.volume;
    const size = spacing.map((one) => (one >= 0.1 ? `${Number(one.toPrecision(4))} mm` : `${Number((one * 1000).toPrecision(4))} µm`));
    const parts = [`${shape.join(" × ")} voxels`, size.join(" × "), stored];
    if (times > 1) parts.push(`${times} times`);
    parts.push(orientation.includes("?") ? "directions not told" : `axes lead to ${orientation}`);
    if (planes.some((one) => one.step > 1)) parts.push(`every ${Math.max(...planes.map((one) => one.step))}. voxel is shown`);
    this.part("status").textContent = parts.join(" · ");
    this.part("notes").replaceChildren(...notes.map((text) => make("li", { text })));
    this.part("tools").hidden = false;
    this.part("times").hidden = times < 2;
    this.part("time").max = String(times - 1);
    this.sync();
  }

  sync() {
    this.part("low").value = String(Number(this.limits[0].toPrecision(6)));
    this.part("high").value = String(Number(this.limits[1].toPrecision(6)));
    this.part("time").value = String(this.time);
    this.part("moment").textContent = `${this.time} of ${this.volume.times - 1}`;
  }

  listen() {
    this.part("tools").addEventListener("submit", (event) => event.preventDefault());
    for (const [at, name] of ["low", "high"].entries()) {
      this.part(name).addEventListener("input", (event) => {
        if (event.target.value === "") return;
        this.limits[at] = Number(event.target.value);
        this.state[name] = event.target.value;
        this.recontrast();
      });
    }
    this.part("auto").addEventListener("click", () => {
      this.limits = [...this.volume.limits];
      Object.assign(this.state, { low: "", high: "" });
      this.sync();
      this.recontrast();
    });
    this.part("time").addEventListener("input", (event) => {
      this.time = Number(event.target.value);
      this.state.time = this.time ? String(this.time) : "";
      this.sync();
      this.change();
    });
  }

  recontrast() {
    this.views.forEach((view) => view.recontrast(this.limits));
    writeState(this.state, PLAIN);
  }

  move(some) {
    for (const [axis, value] of Object.entries(some)) {
      this.place[axis] = Math.max(0, Math.min(this.volume.shape[axis] - 1, value));
    }
    this.state.at = this.place.join(",");
    this.change();
  }

  change() {
    clearTimeout(this.writing);
    this.writing = setTimeout(() => writeState(this.state, PLAIN), 200);
    this.show();
  }

  // Only the newest question of each plane is waited for: who drags asks for many.
  async show() {
    await Promise.all(this.views.map((view) => this.showPlane(view)));
    const value = this.views[0].value;
    const told = value === undefined ? "" : `value ${Number.isNaN(value) ? "not a number" : numberText(value, Math.abs(value) / 1e6 || 1)}`;
    this.part("readout").textContent = `voxel ${this.place.join(", ")} · ${told}`;
  }

  async showPlane(view) {
    const index = this.place[view.plane.axis];
    const turn = (view.turn = Symbol("turn"));
    try {
      const { data, position } = await this.slice(view, index);
      if (turn === view.turn) view.show(data, position, [...this.place], this.limits);
    } catch (error) {
      if (turn === view.turn && error.name !== "AbortError") showFailure(view.failure, error);
    }
  }

  async slice(view, index) {
    const key = `${view.plane.name} ${index} ${this.time}`;
    if (this.slices.has(key)) return this.slices.get(key);
    view.stop?.abort();
    view.stop = new AbortController();
    const query = new URLSearchParams({ plane: view.plane.name, index, time: this.time });
    const answer = await fetch(`/api/slice/${this.reference}?${query}`, { signal: view.stop.signal });
    if (!answer.ok) {
      const found = await answer.json();
      throw Object.assign(new Error(found.error), { hint: found.hint });
    }
    const data = new ARRAYS[this.volume.type](await answer.arrayBuffer());
    const found = { data, position: answer.headers.get("x-position") };
    this.slices.set(key, found);
    if (this.slices.size > KEPT) this.slices.delete(this.slices.keys().next().value);
    return found;
  }
}

for (const root of document.querySelectorAll("[data-volume]")) {
  const page = new Page(root);
  page.begin().catch((error) => {
    root.dataset.state = "failed";
    page.part("status").textContent = "";
    showFailure(page.part("failure"), error);
  });
}
