// One image on the page: what is seen follows from its facts, a state, and the planes at hand.

import { clamp, fit, toImage } from "./camera.js";
import { openCompositor } from "./compositor.js";
import { listen } from "./gestures.js";
import { findLimits, measure } from "./histogram.js";
import { countObjects, measureObject, ObjectCard } from "./objects.js";
import { Panel } from "./panel.js";
import { frameTools } from "./stage.js";
import { MOST_SHOWN } from "./state.js";

const MOST_PIXELS = 64 * 1024 * 1024; // of all channels that are shown, on the card
const REST = 140; // ms after which a frame is drawn with all its pixels, at least
const FRAMES = 3; // that none may have followed until then, where frames take long
const SLOWEST = 400; // ms; what is longer is a pause
const TAPS = 4;
const USUAL = 4096; // pixels to a side that cards can hold, until it is known of this one
const LATE = 250; // ms after which the channels that are here are drawn without the others

const rgb = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255);

export class Viewer {
  #frame = 0;
  #refine = 0;
  #before = 0;
  #drawn = new Map(); // channel or layer -> plane that is seen while another comes
  #measured = new WeakMap();
  #failed = new Map();
  #counts = new WeakMap();
  #pointer = null;
  #wanted = "";

  constructor(element, facts, { state, loader, index = 0, panel = null }) {
    Object.assign(this, { element, facts, state, loader, index });
    this.whole = { width: facts.sizes.X, height: facts.sizes.Y };
    this.isWhole = /^(u?int|bool)/.test(facts.dtype);
    this.stage = { width: 1, height: 1 };
    this.#begin();
    this.compositor = openCompositor();
    this.canvas = this.compositor.canvas;
    this.tools = frameTools(this);
    this.card = new ObjectCard(this);
    element.replaceChildren(this.tools.element);
    if (index === 0) {
      this.panel = new Panel(this);
      (panel ?? element).append(this.panel.element);
      state.panel = this.panel.element;
    }
    (state.panel ?? element).prepend(this.card.element);
    listen(this);
    state.addEventListener("change", this.#changed);
    if (index > 0) state.addEventListener("contrast", this.#changed);
    this.sizes = new ResizeObserver(() => this.#resize());
    this.sizes.observe(this.tools.element);
    this.canvas.addEventListener("webglcontextrestored", () => {
      this.compositor.restore();
      this.invalidate();
    });
    document.documentElement.addEventListener("theme", () => this.panel?.update());
    this.#resize();
    this.ask();
  }

  close() {
    this.state.removeEventListener("change", this.#changed);
    this.state.removeEventListener("contrast", this.#changed);
    this.sizes.disconnect();
    this.loader.leave(this);
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#refine);
  }

  #changed = () => {
    if (!this.element.isConnected) {
      this.close();
      return;
    }
    this.ask();
    this.invalidate();
  };

  // What is seen

  get camera() {
    const asked = this.state.value.camera;
    return asked ? clamp(asked, this.whole, this.stage) : fit(this.whole, this.stage);
  }

  get z() {
    const { Z } = this.facts.sizes;
    return Math.min(this.state.value.z ?? Math.floor(Z / 2), Z - 1);
  }

  get t() {
    return Math.min(this.state.value.t, this.facts.sizes.T - 1);
  }

  get shown() {
    return this.facts.channels.map((_, number) => number).filter((one) => this.isOn(one)).slice(0, MOST_SHOWN);
  }

  isOn(number) {
    return this.state.value.channels[number]?.on ?? this.facts.channels[number].shown;
  }

  get level() {
    const { levels } = this.facts;
    const fits = ({ width, height }) => Math.max(width, height) <= (this.compositor?.largest ?? USUAL)
      && width * height * Math.max(1, this.shown.length) <= MOST_PIXELS;
    const found = levels.findIndex((one, number) => number >= this.facts.level && fits(one));
    return found < 0 ? levels.length - 1 : found;
  }

  channel(number) {
    const asked = this.state.value.channels[number] ?? {};
    const plane = this.planeOf(number);
    const auto = this.#auto(number, plane);
    const single = this.shown.length === 1 && this.facts.channels.length === 1;
    return {
      on: this.isOn(number),
      colour: asked.colour ?? (single ? "#ffffff" : this.facts.channels[number].colour),
      low: asked.low ?? auto?.low ?? null,
      high: asked.high ?? auto?.high ?? null,
      bound: auto?.high,
      measured: plane ? this.#measure(plane) : null,
    };
  }

  // Contrast that nobody set is that of the first plane that was seen, in the first of viewers
  // that are linked: so planes and sites can be compared.
  #auto(number, plane) {
    const { auto } = this.state;
    if (!auto.has(number) && plane && this.index === 0) {
      auto.set(number, findLimits(this.#measure(plane), this.facts.contrast));
      queueMicrotask(() => this.state.dispatchEvent(new Event("contrast")));
    }
    return auto.get(number);
  }

  #measure(plane) {
    if (!this.#measured.has(plane)) {
      this.#measured.set(plane, { ...measure(plane), address: plane.address });
    }
    return this.#measured.get(plane);
  }

  layer(number) {
    const facts = this.facts.labels[number];
    const plane = this.#drawn.get(`layer ${number}`) ?? null;
    if (plane && !this.#counts.has(plane)) this.#counts.set(plane, countObjects(plane));
    return {
      on: this.state.value.layers[number]?.on ?? facts.shown,
      plane,
      count: plane ? this.#counts.get(plane) : null,
      failed: this.#failed.get(`layer ${number}`),
    };
  }

  get layers() {
    return this.facts.labels.map((_, number) => number).filter((one) => this.layer(one).on).slice(0, 4);
  }

  // The object that was picked in this image.
  get object() {
    const { object } = this.state.value;
    return object && object.viewer === this.index && this.facts.labels[object.layer] ? object : null;
  }

  planeOf(channel) {
    return this.#drawn.get(channel);
  }

  // Planes

  #address(base, values) {
    const address = new URL(base, location.href);
    for (const [name, value] of Object.entries(values)) address.searchParams.set(name, value);
    return address.pathname + address.search;
  }

  addressOf(channel, { z = this.z, t = this.t, project = this.state.value.project } = {}) {
    const depth = project && this.facts.sizes.Z > 1 ? { projection: "max" } : { z };
    return this.#address(this.facts.planes, { c: channel, t, level: this.level, ...depth });
  }

  #layerAddress(number) {
    const depth = this.state.value.project && this.facts.sizes.Z > 1 ? { projection: "max" } : { z: this.z };
    return this.#address(this.facts.labels[number].planes, { t: this.t, level: this.level, ...depth });
  }

  #neighbours() {
    const { sizes } = this.facts;
    const found = [];
    for (const off of [1, -1, 2]) {
      const z = this.z + off;
      if (sizes.Z > 1 && !this.state.value.project && z >= 0 && z < sizes.Z) found.push({ z });
    }
    if (sizes.T > 1 && this.t + 1 < sizes.T) found.push({ t: this.t + 1 });
    return found.flatMap((at) => this.shown.map((channel) => this.addressOf(channel, at)));
  }

  // Have the channels on their way while shaders are compiled; `ask` finds them so.
  #begin() {
    const addresses = this.shown.map((one) => this.addressOf(one));
    this.loader.want(this, addresses);
    addresses.forEach((one) => this.loader.load(one));
  }

  // Ask for what is seen, and when it is here for what may be next.
  async ask() {
    const channels = this.shown.map((one) => [one, this.addressOf(one)]);
    const layers = this.layers.map((one) => [`layer ${one}`, this.#layerAddress(one)]);
    const wanted = [...channels, ...layers].map(([, address]) => address).join();
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    const next = this.#neighbours();
    const late = setTimeout(() => this.invalidate(), LATE);
    this.loader.want(this, [...channels, ...layers].map(([, address]) => address).concat(next));
    this.element.dataset.state = "loading";
    await Promise.all(channels.map(([name, address]) => this.#take(name, address)));
    clearTimeout(late);
    if (wanted !== this.#wanted) return;
    if (this.#drawn.size) this.#drawQuickly(performance.now());
    await new Promise((resolve) => requestAnimationFrame(resolve));
    this.element.dataset.state = this.#failed.size ? "failed" : "shown";
    await Promise.all(layers.map(([name, address]) => this.#take(name, address)));
    if (wanted !== this.#wanted) return;
    if (layers.length) this.invalidate();
    this.element.dataset.layers = "shown";
    for (const address of next) this.loader.load(address).catch(() => {});
  }

  async #take(name, address) {
    try {
      const plane = await this.loader.load(address);
      const { width, height } = this.facts.levels[this.level];
      if (String(name).startsWith("layer") && (plane.width !== width || plane.height !== height)) {
        throw new Error(`of another size: ${plane.width} × ${plane.height}`);
      }
      this.#drawn.set(name, plane);
      this.#failed.delete(name);
      if (typeof name === "number") this.#measure(plane); // while others are on their way
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#failed.set(name, error.message);
      this.tools.fail(name === this.shown[0] || !this.#drawn.size ? error : null, this.#failures());
    }
    this.tools.note(this.#failures());
  }

  #failures() {
    const named = (name) => (typeof name === "number"
      ? this.facts.channels[name].name || "the image"
      : this.facts.labels[Number(name.slice(6))].name);
    return [...this.#failed].map(([name, text]) => `${named(name)}: ${text}`);
  }

  // Drawing

  // A quick frame now, and one with all pixels when nothing has moved for some frames.
  invalidate() {
    clearTimeout(this.#refine);
    if (this.#frame) return;
    this.#frame = requestAnimationFrame((now) => {
      this.#frame = 0;
      if (this.#drawn.size) this.#drawQuickly(now);
    });
  }

  #drawQuickly(now) {
    clearTimeout(this.#refine);
    const pause = Math.max(REST, FRAMES * Math.min(now - this.#before, SLOWEST));
    this.#before = now;
    this.#draw(true);
    this.#refine = setTimeout(() => this.#draw(false), pause);
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.tools.element;
    if (!width || !height) return;
    this.stage = { width, height };
    const ratio = window.devicePixelRatio || 1;
    this.pixels = { width: Math.round(width * ratio), height: Math.round(height * ratio) };
    this.ratio = this.pixels.width / width;
    if (this.#drawn.size) this.#draw(false);
  }

  // Channels that are drawn. Those that were switched off stay, as black, as long as there is room:
  // the program of the graphics card stays the same, and switching them on is a matter of a frame.
  #slots() {
    const { shown } = this;
    const { width, height } = this.facts.levels[this.level];
    const fits = (one) => this.#drawn.get(one)?.width === width && this.#drawn.get(one)?.height === height;
    const resting = this.facts.channels.map((_, number) => number).filter((one) => !shown.includes(one));
    return [...shown, ...resting].filter(fits).slice(0, MOST_SHOWN).sort((a, b) => a - b);
  }

  #draw(quick) {
    const { camera, stage, state } = this;
    const pixel = 1 / (camera.zoom * this.ratio);
    const channels = this.#slots().map((one) => {
      const { low, high, colour, on } = this.channel(one);
      const plane = this.#drawn.get(one);
      const lit = on && low !== null;
      return { plane, low: low ?? 0, high: high ?? 1, colour: lit ? rgb(colour) : [0, 0, 0] };
    });
    const { object } = this;
    const layers = this.layers.filter((one) => this.layer(one).plane).map((one) => ({
      plane: this.layer(one).plane,
      colour: rgb(this.facts.labels[one].colour),
      opacity: state.value.opacity,
      chosen: object?.layer === one ? object.label : 0,
      pointed: this.#pointer?.labels.get(one) ?? 0,
    }));
    this.compositor.draw({
      channels,
      layers,
      origin: toImage(camera, stage, { x: 0, y: 0 }),
      pixel,
      whole: this.whole,
      gamma: state.value.gamma,
      quick,
      ...this.pixels,
      taps: Math.max(1, Math.min(TAPS, Math.ceil(pixel - 0.01))),
      stroke: Math.max(1, 1.2 * this.ratio),
    });
    this.tools.update();
    this.panel?.update();
    this.card.update();
  }

  // What the user does

  look(camera) {
    this.state.set({ camera: clamp(camera, this.whole, this.stage) });
  }

  step(axis, by) {
    const count = this.facts.sizes[axis.toUpperCase()];
    const value = Math.min(Math.max(this[axis] + by, 0), count - 1);
    if (count > 1) this.state.set({ [axis]: value, ...(axis === "z" ? { project: false } : {}) });
  }

  toggle(number, on = !this.isOn(number)) {
    if (on && this.shown.length >= MOST_SHOWN) {
      this.tools.note([`${MOST_SHOWN} channels are shown at a time`]);
      this.panel?.update();
      return;
    }
    this.state.setChannel(number, { on });
  }

  toggleOutlines() {
    const any = this.layers.length > 0;
    const wanted = this.facts.labels.map((one) => !any && (one.shown || !this.facts.labels.some((l) => l.shown)));
    const layers = {};
    wanted.forEach((on, number) => (layers[number] = { on }));
    this.state.set({ layers });
  }

  #limit(find) {
    const channels = { ...this.state.value.channels };
    for (const number of this.shown) {
      const plane = this.planeOf(number);
      if (plane) channels[number] = { ...channels[number], ...find(this.#measure(plane)) };
    }
    this.state.set({ channels });
  }

  autoContrast() {
    this.#limit((measured) => findLimits(measured, this.facts.contrast));
  }

  fullRange() {
    this.#limit(({ low, high }) => ({ low, high: high > low ? high : low + 1 }));
  }

  point(at) {
    this.#pointer = at && this.#look(at);
    this.tools.read(this.#pointer);
    if (this.layers.length) this.invalidate();
  }

  pick(at) {
    const found = this.#look(at);
    const under = found && [...found.labels].reverse().find(([, label]) => label);
    this.state.set({ object: under ? { layer: under[0], label: under[1], viewer: this.index } : null });
  }

  goTo(label) {
    for (const layer of this.layers) {
      const { plane } = this.layer(layer);
      const found = plane && measureObject(plane, label, []);
      if (!found?.count) continue;
      const ratio = this.whole.width / plane.width;
      const zoom = Math.max(this.camera.zoom, fit(this.whole, this.stage).zoom * 3);
      this.state.set({
        object: { layer, label, viewer: this.index },
        camera: { x: found.x * ratio, y: found.y * ratio, zoom },
      });
      return;
    }
    this.tools.note([`there is no object ${label} in what is outlined`]);
  }

  // Values under a point of the stage; null beside the image.
  #look(at) {
    const point = toImage(this.camera, this.stage, at);
    const x = Math.floor(point.x);
    const y = Math.floor(point.y);
    if (x < 0 || y < 0 || x >= this.whole.width || y >= this.whole.height) return null;
    const valueOf = (plane) => {
      const column = Math.min(plane.width - 1, Math.floor((point.x * plane.width) / this.whole.width));
      const row = Math.min(plane.height - 1, Math.floor((point.y * plane.height) / this.whole.height));
      return plane.data[row * plane.width + column];
    };
    const seen = this.shown.filter((one) => this.#drawn.has(one));
    return {
      x,
      y,
      light: new Map(seen.map((one) => [one, valueOf(this.#drawn.get(one))])),
      labels: new Map(this.layers.filter((one) => this.layer(one).plane)
        .map((one) => [one, valueOf(this.layer(one).plane)])),
    };
  }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.element.requestFullscreen?.().catch(() => {});
  }
}
