// Draws planes that lie in the memory of the graphics card; nothing is asked for here.

import { link } from "../graphics_card.js";
import { PACKED, VERTEX, light, outlines } from "./shaders.js";
import { plain, Textures } from "./textures.js";

export const BACK = [0.055, 0.06, 0.063, 1];
const NONE = { data: new Uint8Array(1), width: 1, height: 1, address: "none" };

export class Card {
  #gl;
  #programs;
  #textures;
  #overlays = [];
  #overlay = null;

  constructor({ canvas, gl }) {
    this.#gl = gl;
    this.canvas = canvas;
    this.largest = gl.getParameter(gl.MAX_TEXTURE_SIZE);
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    this.restore();
  }

  // What was on the card is gone; planes are put there anew when they are drawn.
  restore() {
    this.#programs = new Map();
    this.#textures = new Textures(this.#gl);
    this.#overlays = [];
    this.#gl.bindVertexArray(this.#gl.createVertexArray());
  }

  draw(frame) {
    if (this.canvas.width !== frame.width) this.canvas.width = frame.width;
    if (this.canvas.height !== frame.height) this.canvas.height = frame.height;
    this.#textures.begin();
    if (frame.layers.length) this.#drawOverlay(frame);
    this.#drawLight(frame);
    this.#textures.end();
  }

  #drawLight(frame) {
    const gl = this.#gl;
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(...BACK);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const packs = packsOf(frame.channels);
    const kind = packs[0][0].plane.data instanceof Float32Array ? "sampler2D" : "usampler2D";
    const lined = frame.layers.length > 0;
    const fine = frame.quick ? 1 : frame.taps;
    const asked = { kind, packs: packs.length, fine, curved: frame.gamma !== 1, lined };
    const at = this.#use(`light ${JSON.stringify(asked)}`, () => light(asked));
    const textures = packs.map((pack) => this.#textures.pack(pack.map((one) => one.plane)));
    textures.forEach((texture, number) => this.#bind(at(`pack${number}`), number, texture));
    if (lined) this.#bind(at("outlines"), textures.length, this.#overlay.texture);
    const filled = packs.flat();
    gl.uniform3fv(at("colours"), filled.flatMap((one) => one.colour));
    gl.uniform4fv(at("dark"), filled.map((one) => one.low));
    gl.uniform4fv(at("scale"), filled.map((one) => 1 / (one.high - one.low)));
    gl.uniform1f(at("gamma"), frame.gamma);
    this.#drawImage(at, frame, packs[0][0].plane);
  }

  // Outlines change with the view and the objects, not with the contrast of channels.
  #drawOverlay(frame) {
    const gl = this.#gl;
    const { width, height } = this.canvas;
    const key = JSON.stringify([width, height, frame.origin, frame.pixel, frame.stroke,
      frame.layers.map(({ plane, ...rest }) => [plane.address, rest])]);
    const kept = this.#overlays.find((one) => one.key === key);
    if (kept) {
      this.#overlay = kept;
      return;
    }
    this.#overlay = this.#surface(width, height);
    this.#overlay.key = key;
    const { layers } = frame;
    const at = this.#use(`outlines ${layers.length}`, () => outlines({ layers: layers.length }));
    const textures = layers.map((one) => this.#textures.labels(one.plane));
    textures.forEach((texture, number) => this.#bind(at(`layer${number}`), number, texture));
    gl.uniform4fv(at("lines"), layers.flatMap((one) => [...one.colour, one.opacity]));
    gl.uniform1uiv(at("chosen"), layers.map((one) => one.chosen));
    gl.uniform1uiv(at("pointed"), layers.map((one) => one.pointed));
    gl.uniform1f(at("stroke"), frame.stroke);
    gl.uniform2f(at("whole"), frame.whole.width, frame.whole.height);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.#overlay.buffer);
    gl.viewport(0, 0, width, height);
    this.#drawImage(at, frame, layers[0].plane);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
  }

  // Something of this size to draw upon; one for quick frames and one for others are kept.
  #surface(width, height) {
    const gl = this.#gl;
    const old = this.#overlays.find((one) => one.width === width && one.height === height);
    if (old) return old;
    for (const { texture, buffer } of this.#overlays.splice(0, this.#overlays.length - 1)) {
      gl.deleteTexture(texture);
      gl.deleteFramebuffer(buffer);
    }
    const texture = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, width, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, null);
    plain(gl);
    const buffer = gl.createFramebuffer();
    gl.bindFramebuffer(gl.FRAMEBUFFER, buffer);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
    const made = { texture, buffer, width, height, key: "" };
    this.#overlays.push(made);
    return made;
  }

  // Only where the image is: beside it there is nothing to compute.
  #drawImage(at, { origin, pixel, whole }, plane) {
    const gl = this.#gl;
    const { width, height } = this.canvas;
    gl.uniform2f(at("origin"), origin.x, origin.y);
    gl.uniform1f(at("pixel"), pixel);
    gl.uniform1f(at("stage"), height);
    gl.uniform2f(at("ratio"), plane.width / whole.width, plane.height / whole.height);
    gl.uniform2i(at("last"), plane.width - 1, plane.height - 1);
    const inside = (value, most) => Math.min(Math.max(Math.round(value), 0), most);
    const left = inside(-origin.x / pixel, width);
    const right = inside((whole.width - origin.x) / pixel, width);
    const top = inside(-origin.y / pixel, height);
    const bottom = inside((whole.height - origin.y) / pixel, height);
    gl.enable(gl.SCISSOR_TEST);
    gl.scissor(left, height - bottom, right - left, bottom - top);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    gl.disable(gl.SCISSOR_TEST);
  }

  #bind(place, unit, texture) {
    const gl = this.#gl;
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.uniform1i(place, unit);
  }

  #use(name, text) {
    if (!this.#programs.has(name)) this.#programs.set(name, build(this.#gl, text()));
    const { program, at } = this.#programs.get(name);
    this.#gl.useProgram(program);
    return at;
  }
}

// Channels in groups of four, the last filled up with what gives no light.
function packsOf(channels) {
  const filled = channels.length ? [...channels] : [{ plane: NONE, low: 0, high: 1, colour: [0, 0, 0] }];
  while (filled.length % PACKED) filled.push({ ...filled.at(-1), colour: [0, 0, 0] });
  const packs = [];
  for (let at = 0; at < filled.length; at += PACKED) packs.push(filled.slice(at, at + PACKED));
  return packs;
}

function build(gl, text) {
  const program = link(gl, VERTEX, text);
  const places = new Map();
  const at = (name) => {
    if (!places.has(name)) places.set(name, gl.getUniformLocation(program, name));
    return places.get(name);
  };
  return { program, at };
}
