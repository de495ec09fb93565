// Points drawn by WebGL2: places and colours lie in two buffers, and a frame is one call.

import { link } from "./graphics_card.js";

const VERTEX = `#version 300 es
in vec2 place;
in vec4 colour;
uniform vec2 scale;
uniform vec2 shift;
uniform float size;
out vec4 tint;
void main() {
  tint = colour;
  gl_PointSize = size;
  gl_Position = colour.a == 0.0 ? vec4(9.0, 9.0, 9.0, 1.0) : vec4(place * scale + shift, 0.0, 1.0);
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
uniform float soft;
in vec4 tint;
out vec4 found;
void main() {
  float far = distance(gl_PointCoord, vec2(0.5));
  float alpha = tint.a * (1.0 - smoothstep(0.5 - soft, 0.5, far));
  if (alpha <= 0.0) discard;
  found = vec4(tint.rgb * alpha, alpha);
}`;

export class PointRenderer {
  constructor({ canvas, gl }) {
    this.canvas = canvas;
    this.gl = gl;
    this.count = 0;
    this.kept = {};
    this.#prepare();
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => this.#restore());
  }

  #prepare() {
    const gl = this.gl;
    this.program = link(gl, VERTEX, FRAGMENT);
    this.uniforms = {};
    for (const name of ["scale", "shift", "size", "soft"]) {
      this.uniforms[name] = gl.getUniformLocation(this.program, name);
    }
    this.vertices = gl.createVertexArray();
    gl.bindVertexArray(this.vertices);
    this.buffers = { places: gl.createBuffer(), colours: gl.createBuffer(), order: gl.createBuffer() };
    this.#attribute("place", this.buffers.places, 2, gl.FLOAT, false);
    this.#attribute("colour", this.buffers.colours, 4, gl.UNSIGNED_BYTE, true);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.buffers.order);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  #attribute(name, buffer, size, type, normalized) {
    const gl = this.gl;
    const at = gl.getAttribLocation(this.program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, size, type, normalized, 0, 0);
  }

  // The browser may take the graphics memory away; what was in it is put there again.
  #restore() {
    this.#prepare();
    const { places, colours, order } = this.kept;
    if (places) this.setPlaces(places);
    if (colours) this.setColours(colours);
    if (order) this.setOrder(order);
    this.canvas.dispatchEvent(new CustomEvent("restored"));
  }

  setPlaces(places) {
    this.kept.places = places;
    this.count = places.length / 2;
    this.#fill(this.gl.ARRAY_BUFFER, this.buffers.places, places, this.gl.STATIC_DRAW);
  }

  setColours(colours) {
    this.kept.colours = colours;
    this.#fill(this.gl.ARRAY_BUFFER, this.buffers.colours, colours, this.gl.DYNAMIC_DRAW);
  }

  // In which order points are drawn: the last ones lie in front.
  setOrder(order) {
    this.kept.order = order;
    this.gl.bindVertexArray(this.vertices);
    this.#fill(this.gl.ELEMENT_ARRAY_BUFFER, this.buffers.order, order, this.gl.DYNAMIC_DRAW);
  }

  #fill(target, buffer, values, use) {
    this.gl.bindBuffer(target, buffer);
    this.gl.bufferData(target, values, use);
  }

  // The first `most` points of the order, so that a slow card can show some while they move.
  draw({ scale, shift, size, most = Infinity }) {
    const gl = this.gl;
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const complete = this.kept.places && this.kept.colours && this.kept.order;
    if (!complete || this.count === 0) return;
    gl.useProgram(this.program);
    gl.bindVertexArray(this.vertices);
    gl.uniform2f(this.uniforms.scale, scale[0], scale[1]);
    gl.uniform2f(this.uniforms.shift, shift[0], shift[1]);
    gl.uniform1f(this.uniforms.size, size);
    gl.uniform1f(this.uniforms.soft, Math.min(0.5, 1 / size));
    gl.drawElements(gl.POINTS, Math.min(this.kept.order.length, most), gl.UNSIGNED_INT, 0);
  }
}
