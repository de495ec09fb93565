// The controls beside an image: depth and time, channels, segmentation.

import { ContrastControl } from "./contrast.js";
import { freshId, make, told } from "./dom.js";
import { MOST_SHOWN } from "./state.js";

export class Panel {
  constructor(viewer) {
    this.viewer = viewer;
    this.state = viewer.state;
    const { sizes } = viewer.facts;
    this.element = make("div", { class: "viewer-panel" });
    this.sliders = [
      sizes.Z > 1 ? this.#depths(sizes.Z) : null,
      sizes.T > 1 ? this.#slider("t", "Time", sizes.T) : null,
    ].filter(Boolean);
    this.channels = viewer.facts.channels.map((one, number) => this.#channel(one, number));
    this.element.append(
      ...this.sliders.map((one) => one.element),
      this.#channelSection(),
      ...(viewer.facts.labels.length ? [this.#segmentation()] : []),
      this.#keys(),
    );
  }

  #slider(name, label, count) {
    const id = freshId(name);
    const output = make("output", { for: id });
    const input = make("input", {
      id, type: "range", min: 0, max: count - 1, step: 1,
      oninput: () => this.state.set({ [name]: Number(input.value), ...(name === "z" ? { project: false } : {}) }),
    });
    const element = make("div", { class: "viewer-slider" },
      make("label", { for: id }, label), input, output);
    const update = () => {
      const value = name === "z" ? this.viewer.z : Math.min(this.state.value[name], count - 1);
      input.value = value;
      output.textContent = `${value + 1} / ${count}`;
    };
    return { element, update, input };
  }

  #depths(count) {
    const slider = this.#slider("z", "Depth", count);
    const box = make("input", {
      type: "checkbox",
      onchange: () => this.state.set({ project: box.checked }),
    });
    slider.element.append(make("label", { class: "check" }, box, "Max projection"));
    const { update } = slider;
    slider.update = () => {
      update();
      box.checked = this.state.value.project;
      slider.input.classList.toggle("idle", box.checked);
    };
    return slider;
  }

  #channelSection() {
    const id = freshId("gamma");
    this.gamma = make("input", {
      id, type: "range", min: 0.2, max: 2, step: 0.05,
      oninput: () => this.state.set({ gamma: Number(this.gamma.value) }),
    });
    this.gammaTold = make("output", { for: id });
    return make("fieldset", {},
      make("legend", {}, "Channels"),
      ...this.channels.map((one) => one.element),
      make("div", { class: "viewer-row" },
        make("button", { type: "button", onclick: () => this.viewer.autoContrast() }, "Auto contrast"),
        make("button", { type: "button", onclick: () => this.viewer.fullRange() }, "Full range")),
      make("div", { class: "viewer-row" },
        make("label", { for: id }, "Gamma"), this.gamma, this.gammaTold));
  }

  #channel(facts, number) {
    const name = facts.name || "Intensity";
    const box = make("input", {
      type: "checkbox",
      onchange: () => this.viewer.toggle(number, box.checked),
    });
    const colour = make("input", {
      type: "color", "aria-label": `Colour of ${name}`,
      oninput: () => this.state.setChannel(number, { colour: colour.value }),
    });
    const limits = make("span", { class: "limits" });
    const control = new ContrastControl(name, (change) => this.state.setChannel(number, change));
    const element = make("div", { class: "viewer-channel" },
      make("div", { class: "viewer-row" },
        make("label", { class: "check" }, box, make("span", { class: "name" }, name)), limits, colour),
      control.element);
    return { element, box, colour, limits, control, number };
  }

  #segmentation() {
    const id = freshId("opacity");
    this.opacity = make("input", {
      id, type: "range", min: 0, max: 1, step: 0.05,
      oninput: () => this.state.set({ opacity: Number(this.opacity.value) }),
    });
    this.layers = this.viewer.facts.labels.map((one, number) => {
      const box = make("input", {
        type: "checkbox",
        onchange: () => this.state.setLayer(number, { on: box.checked }),
      });
      const swatch = make("span", { class: "swatch", "aria-hidden": "true" });
      swatch.style.background = one.colour;
      const count = make("span", { class: "limits" });
      const row = make("div", { class: "viewer-row", title: one.key || null },
        make("label", { class: "check" }, box, swatch, one.key ? nameOf(one) : one.name), count);
      return { row, box, count };
    });
    return make("fieldset", {},
      make("legend", {}, "Segmentation"),
      ...this.layers.map((one) => one.row),
      make("div", { class: "viewer-row" },
        make("label", { for: id }, "Opacity"), this.opacity),
      this.#search());
  }

  #search() {
    const input = make("input", { type: "number", min: 1, step: 1, "aria-label": "Number of an object" });
    const go = make("button", {
      type: "button",
      onclick: () => input.value && this.viewer.goTo(Number(input.value)),
    }, "Go to object");
    input.addEventListener("keydown", (event) => event.key === "Enter" && go.click());
    return make("div", { class: "viewer-row" }, input, go);
  }

  #keys() {
    const keys = [
      ["+ −", "zoom"], ["← → ↑ ↓", "move"], ["0", "fit"], ["1 – 9", "channels on, off"],
      ["[ ]", "depth"], [", .", "time"], ["m", "max projection"], ["a", "auto contrast"],
      ["o", "outlines"], ["Enter", "object in the middle"], ["f", "full screen"], ["r", "reset"],
    ];
    return make("details", { class: "viewer-keys" },
      make("summary", {}, "Keys"),
      make("dl", {}, ...keys.flatMap(([key, does]) => [make("dt", {}, key), make("dd", {}, does)])));
  }

  update() {
    const { viewer } = this;
    const { theme } = document.documentElement.dataset;
    this.sliders.forEach((one) => one.update());
    this.gamma.value = this.state.value.gamma;
    this.gammaTold.textContent = told(this.state.value.gamma);
    const full = viewer.shown.length >= MOST_SHOWN;
    for (const row of this.channels) {
      const seen = viewer.channel(row.number);
      // Most of a frame's time would go into controls that stay as they are.
      const key = [full, theme, seen.on, seen.colour, seen.low, seen.high, seen.measured?.address].join();
      if (key === row.key) continue;
      row.key = key;
      row.box.checked = seen.on;
      row.box.disabled = full && !seen.on;
      row.colour.value = seen.colour;
      row.element.classList.toggle("off", !seen.on);
      row.limits.textContent = seen.on && seen.low !== null ? `${told(seen.low)} – ${told(seen.high)}` : "";
      row.control.element.hidden = !seen.on;
      if (seen.on && seen.low !== null) {
        row.control.show({ ...seen, whole: viewer.isWhole });
      }
    }
    this.layers?.forEach((row, number) => {
      const layer = viewer.layer(number);
      row.box.checked = layer.on;
      row.count.textContent = layer.failed ?? (layer.count === null ? "" : told(layer.count));
    });
    if (this.opacity) this.opacity.value = this.state.value.opacity;
  }
}

function nameOf(label) {
  return label.kind.charAt(0).toUpperCase() + label.kind.slice(1);
}
