// The canvas and what lies over it: tools, scale bar, read-out, messages.

import { make, told } from "./dom.js";
import { zoomIn, zoomOut } from "./gestures.js";
import { scaleBar } from "./scale_bar.js";

export function frameTools(viewer) {
  const { facts } = viewer;
  const { canvas } = viewer;
  const label = `${facts.name}: image; arrow keys move, plus and minus zoom, 0 shows all`;
  Object.entries({ tabindex: 0, role: "application", "aria-label": label })
    .forEach(([name, value]) => canvas.setAttribute(name, value));
  const bar = make("div", { class: "bar-line" });
  const length = make("span", {});
  const readout = make("div", { class: "viewer-readout" });
  const zoom = make("span", { class: "viewer-zoom" });
  const message = make("div", { class: "viewer-message", role: "alert", hidden: true });
  const notes = make("div", { class: "viewer-notes", role: "status" });
  const button = (label, text, act) =>
    make("button", { type: "button", "aria-label": label, title: label, onclick: act }, text);
  const buttons = make("div", { class: "viewer-tools" },
    zoom,
    button("Zoom out", "−", () => zoomOut(viewer)),
    button("Zoom in", "+", () => zoomIn(viewer)),
    button("Fit", "Fit", () => viewer.state.set({ camera: null })),
    button("Full screen", "Full", () => viewer.fullScreen()),
    button("Reset", "Reset", () => viewer.state.reset()));
  const element = make("div", { class: "viewer-stage" },
    canvas, buttons, make("div", { class: "viewer-scale" }, bar, length), readout, notes, message);
  const fixed = facts.notes ?? [];

  return {
    element,
    update() {
      const { zoom: times } = viewer.camera;
      const found = scaleBar(facts.pixel_size.x, times, viewer.stage.width);
      bar.style.width = `${found.length}px`;
      length.textContent = found.label;
      zoom.textContent = `${told(Number((times * 100).toPrecision(3)))} %`;
    },
    read(found) {
      readout.textContent = found ? readoutOf(viewer, found) : "";
    },
    note(texts) {
      notes.replaceChildren(...[...fixed, ...texts].map((text) => make("p", {}, text)));
    },
    fail(error) {
      if (!error) return;
      message.hidden = false;
      message.replaceChildren(
        make("p", {}, error.message), ...(error.hint ? [make("p", { class: "hint" }, error.hint)] : []));
    },
  };
}

function readoutOf(viewer, found) {
  const { channels, labels, pixel_size: size } = viewer.facts;
  const parts = [`x ${found.x}, y ${found.y}`];
  if (size.x && size.y) parts.push(`${told(found.x * size.x)}, ${told(found.y * size.y)} µm`);
  for (const [number, value] of found.light) {
    parts.push(`${channels[number].name || "intensity"} ${told(value)}`);
  }
  for (const [number, label] of found.labels) {
    if (label) parts.push(`${labels[number].kind} #${label}`);
  }
  return parts.join("  ·  ");
}
