// What is told of the object that was picked: measured here from the pixels, and from its table.

import { make, told } from "./dom.js";
import { fetchJson } from "./planes.js";

// Area, centre and mean intensities of an object, from planes of one size.
export function measureObject(labels, number, channels) {
  const sums = new Float64Array(channels.length);
  let count = 0;
  let x = 0;
  let y = 0;
  const { data, width } = labels;
  for (let at = 0; at < data.length; at++) {
    if (data[at] !== number) continue;
    count++;
    x += at % width;
    y += (at - (at % width)) / width;
    for (let one = 0; one < channels.length; one++) sums[one] += channels[one].data[at];
  }
  return { count, x: x / count + 0.5, y: y / count + 0.5, means: [...sums].map((sum) => sum / count) };
}

export function countObjects(plane) {
  const seen = new Set();
  let before = 0;
  for (const value of plane.data) {
    if (value !== before) {
      seen.add(value);
      before = value;
    }
  }
  seen.delete(0);
  return seen.size;
}

export class ObjectCard {
  #asked = "";
  #found = null;

  constructor(viewer) {
    this.viewer = viewer;
    this.title = make("h3", {});
    this.facts = make("dl", { class: "facts" });
    this.more = make("div", {});
    this.element = make("section", { class: "viewer-object", "aria-label": "Object", hidden: true },
      make("div", { class: "viewer-row" }, this.title,
        make("button", { type: "button", class: "plain", "aria-label": "Close", onclick: () => viewer.state.set({ object: null }) }, "×")),
      this.facts, this.more);
  }

  update() {
    const { object } = this.viewer;
    const label = object && this.viewer.facts.labels[object.layer];
    this.element.hidden = !label;
    if (!label) {
      this.#asked = "";
      return;
    }
    this.title.textContent = `${label.kind.replace(/s$/, "").replace("nuclei", "nucleus")} ${told(object.label)}`;
    this.#measure(object);
    const asked = `${label.objects}|${object.label}`;
    if (asked !== this.#asked) {
      this.#asked = asked;
      this.#ask(label, object.label, asked);
    }
  }

  #measure(object) {
    const { viewer } = this;
    const plane = viewer.layer(object.layer).plane;
    if (!plane) return;
    const shown = viewer.shown.filter((one) => viewer.planeOf(one)?.data.length === plane.data.length);
    const planes = shown.map((one) => viewer.planeOf(one));
    const key = [plane.address, object.label, ...planes.map((one) => one.address)].join();
    if (key === this.measured) return;
    this.measured = key;
    const found = measureObject(plane, object.label, planes);
    const { x: across, y: down } = viewer.facts.pixel_size;
    const ratio = viewer.whole.width / plane.width;
    const area = found.count * ratio * ratio;
    const lines = found.count === 0 ? [["", "not in this plane"]] : [
      ["Area", across && down ? `${told(area * across * down)} µm²` : `${told(area)} px`],
      ["Centre", `${told(Math.round(found.x * ratio))}, ${told(Math.round(found.y * ratio))} px`],
      ...shown.map((one, at) => [`Mean ${viewer.facts.channels[one].name || "intensity"}`, told(found.means[at])]),
    ];
    this.facts.replaceChildren(
      ...lines.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  }

  async #ask(label, number, asked) {
    this.more.replaceChildren();
    if (!label.objects) return;
    const address = new URL(label.objects, location.href);
    address.searchParams.set("label", number);
    try {
      const found = await fetchJson(address);
      if (asked === this.#asked && found.table) this.#show(found);
    } catch (error) {
      if (asked === this.#asked) {
        this.more.replaceChildren(make("p", { class: "hint" }, error.message));
      }
    }
  }

  #show(found) {
    const entries = Object.entries(found.features);
    const list = make("dl", { class: "facts features", tabindex: 0, "aria-label": "Features" });
    const filter = make("input", {
      type: "search", placeholder: `Filter ${entries.length} features`, "aria-label": "Filter features",
      value: this.#found ?? "",
      oninput: () => fill(),
    });
    const fill = () => {
      this.#found = filter.value;
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      const kept = entries.filter(([name]) => words.every((word) => name.toLowerCase().includes(word)));
      list.replaceChildren(...kept.slice(0, 300).flatMap(([name, value]) => [
        make("dt", {}, name.replaceAll("_", " ")),
        make("dd", {}, typeof value === "number" ? told(value) : String(value ?? "–")),
      ]));
    };
    fill();
    this.more.replaceChildren(filter, list,
      make("p", { class: "hint" }, "From ", make("a", { href: found.page }, found.table.split("/").pop())));
  }
}
