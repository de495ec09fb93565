// Pointers, wheel and keys, as what they mean for a viewer.

import { pan, zoomAt } from "./camera.js";

const STEP = 1.25;
const MOVED = 4; // pixels from which on a press is a drag

export function listen(viewer) {
  const { canvas } = viewer;
  const pressed = new Map();
  let travelled = 0;

  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 20 : 1;
    viewer.look(zoomAt(viewer.camera, viewer.stage, place(event), Math.exp(-event.deltaY * lines * 0.0015)));
  }, { passive: false });

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    pressed.set(event.pointerId, place(event));
    travelled = pressed.size > 1 ? MOVED : 0;
  });

  canvas.addEventListener("pointermove", (event) => {
    const before = pressed.get(event.pointerId);
    const here = place(event);
    if (!before) {
      viewer.point(here);
      return;
    }
    const others = [...pressed].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    pressed.set(event.pointerId, here);
    travelled += Math.hypot(here.x - before.x, here.y - before.y);
    if (others.length) pinch(viewer, others[0], before, here);
    else if (travelled >= MOVED) viewer.look(pan(viewer.camera, here.x - before.x, here.y - before.y));
  });

  const release = (event) => {
    if (pressed.delete(event.pointerId) && travelled < MOVED && event.type === "pointerup") {
      viewer.pick(place(event));
    }
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => viewer.point(null));
  canvas.addEventListener("dblclick", (event) => {
    viewer.look(zoomAt(viewer.camera, viewer.stage, place(event), 2));
  });
  viewer.element.addEventListener("keydown", (event) => onKey(viewer, event));
}

const place = (event) => ({ x: event.offsetX, y: event.offsetY });

function pinch(viewer, still, before, here) {
  const distance = (a, b) => Math.max(1, Math.hypot(a.x - b.x, a.y - b.y));
  const middle = (a, b) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
  const [from, to] = [middle(still, before), middle(still, here)];
  const factor = distance(still, here) / distance(still, before);
  viewer.look(pan(zoomAt(viewer.camera, viewer.stage, from, factor), to.x - from.x, to.y - from.y));
}

const around = (viewer, factor) => {
  const { width, height } = viewer.stage;
  viewer.look(zoomAt(viewer.camera, viewer.stage, { x: width / 2, y: height / 2 }, factor));
};

const move = (across, down) => (viewer) => {
  viewer.look(pan(viewer.camera, across * 60, down * 60));
  viewer.point({ x: viewer.stage.width / 2, y: viewer.stage.height / 2 });
};

const KEYS = {
  "+": (viewer) => around(viewer, STEP),
  "=": (viewer) => around(viewer, STEP),
  "-": (viewer) => around(viewer, 1 / STEP),
  0: (viewer) => viewer.state.set({ camera: null }),
  ArrowLeft: move(1, 0),
  ArrowRight: move(-1, 0),
  ArrowUp: move(0, 1),
  ArrowDown: move(0, -1),
  "[": (viewer) => viewer.step("z", -1),
  "]": (viewer) => viewer.step("z", 1),
  ",": (viewer) => viewer.step("t", -1),
  ".": (viewer) => viewer.step("t", 1),
  m: (viewer) => viewer.facts.sizes.Z > 1 && viewer.state.set({ project: !viewer.state.value.project }),
  a: (viewer) => viewer.autoContrast(),
  o: (viewer) => viewer.toggleOutlines(),
  f: (viewer) => viewer.fullScreen(),
  r: (viewer) => viewer.state.reset(),
  Enter: (viewer) => viewer.pick({ x: viewer.stage.width / 2, y: viewer.stage.height / 2 }),
  Escape: (viewer) => viewer.state.set({ object: null }),
};

// Zooming has buttons of its own in the same element; keys there are not lost.
export const zoomIn = (viewer) => around(viewer, STEP);
export const zoomOut = (viewer) => around(viewer, 1 / STEP);

function onKey(viewer, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const control = event.target.closest("input, select, textarea, button, summary, a");
  const typing = control?.matches("input:not([type=checkbox], [type=range], [type=color]), textarea");
  const own = control && (event.key.startsWith("Arrow") || event.key === "Enter");
  if (typing || own) return;
  const number = Number(event.key);
  if (number >= 1 && number <= viewer.facts.channels.length) viewer.toggle(number - 1);
  else if (KEYS[event.key]) KEYS[event.key](viewer);
  else return;
  event.preventDefault();
}
