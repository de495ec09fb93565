// What draws planes: the graphics card where there is one, else the processor.

import { Card } from "./card.js";
import { Painter } from "./painter.js";

const SOFTWARE = /swiftshader|llvmpipe|software|basic render/i;
const KEPT = "cellfolio-drawn-by"; // a browser is asked once, by its first image; "card" or "processor"

export function openCompositor() {
  const known = sessionStorage.getItem(KEPT);
  const card = known === "processor" ? null : openCard(known === "card");
  if (!known) sessionStorage.setItem(KEPT, card ? "card" : "processor");
  return card ?? new Painter(document.createElement("canvas"));
}

// Without a card browsers either have no WebGL or work it out on the processor, which is slow.
function openCard(surely) {
  const canvas = document.createElement("canvas");
  const options = { antialias: false, depth: false, alpha: false, preserveDrawingBuffer: true };
  const gl = canvas.getContext("webgl2", options);
  if (!gl) return null;
  const told = gl.getExtension("WEBGL_debug_renderer_info");
  if (surely || !told || !SOFTWARE.test(gl.getParameter(told.UNMASKED_RENDERER_WEBGL))) {
    return new Card(canvas, gl);
  }
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return null;
}
