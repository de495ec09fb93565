// Images on pages. Each element with `data-image-info`, the address of what an image is
// (`/api/image/…`), becomes a viewer:
//
//   data-image-info  address of the image's facts
//   data-facts       id of the element whose text these facts are, where the page has them already
//   data-state       "address": what is seen is kept in the page's address
//   data-link        viewers with the same word are seen alike: the same part, channels, contrast
//   data-panel       id of the element that gets the controls; by default they are beside the image
//
// `openViewer(element)` does the same for elements that are made later.

import { make } from "./image/dom.js";
import { fetchJson, PlaneLoader } from "./image/planes.js";
import { keepInAddress, ViewState } from "./image/state.js";
import { Viewer } from "./image/viewer.js";

const loader = new PlaneLoader();
const linked = new Map();
const opened = new WeakMap();

function stateOf(element) {
  const { link, state: kept } = element.dataset;
  if (link && linked.has(link)) return linked.get(link);
  const state = new ViewState(kept === "address" ? location.search : "");
  if (kept === "address") keepInAddress(state);
  if (link) linked.set(link, state);
  return state;
}

export function openViewer(element) {
  if (!opened.has(element)) opened.set(element, open(element));
  return opened.get(element);
}

async function open(element) {
  const state = stateOf(element);
  const index = state.viewers++;
  const panel = document.getElementById(element.dataset.panel ?? "");
  element.classList.add("viewer");
  element.classList.toggle("bare", index > 0 || panel !== null);
  element.dataset.state = "loading";
  try {
    const told = document.getElementById(element.dataset.facts ?? "");
    const facts = told ? JSON.parse(told.textContent) : await fetchJson(element.dataset.imageInfo);
    const viewer = new Viewer(element, facts, { state, loader, index, panel });
    viewer.tools.note([]);
    element.dispatchEvent(new CustomEvent("viewer", { detail: viewer, bubbles: true }));
    return viewer;
  } catch (error) {
    element.dataset.state = "failed";
    const hint = error.hint ? [make("p", { class: "hint" }, error.hint)] : [];
    element.replaceChildren(
      make("div", { class: "failed", role: "alert" }, make("p", {}, error.message), ...hint));
    return null;
  }
}

export function openAll(root = document) {
  root.querySelectorAll("[data-image-info]").forEach(openViewer);
}

openAll();
document.addEventListener("htmx:load", (event) => openAll(event.target));
