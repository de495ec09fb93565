// Planes in the memory of the graphics card: four channels in a texture, labels in one each.

import { PACKED } from "./shaders.js";

const KEPT = 512 * 1024 * 1024;

export class Textures {
  #gl;
  #kept = new Map();
  #bytes = 0;
  #round = 0;

  constructor(gl) {
    this.#gl = gl;
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  }

  // Those drawn since are not forgotten.
  begin() {
    this.#round += 1;
  }

  labels(plane) {
    return this.#get(plane.address, plane, () => plane.data, 1);
  }

  // Up to four planes of one size and type.
  pack(planes) {
    const key = planes.map((one) => one.address).join("\n");
    return this.#get(key, planes[0], () => interleave(planes), PACKED);
  }

  #get(key, { width, height }, make, samples) {
    const gl = this.#gl;
    const kept = this.#kept.get(key);
    if (kept) {
      kept.round = this.#round;
      return kept.texture;
    }
    const data = make();
    const texture = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    const [inside, form, type] = formOf(gl, data, samples);
    gl.texImage2D(gl.TEXTURE_2D, 0, inside, width, height, 0, form, type, data);
    plain(gl);
    this.#kept.set(key, { texture, bytes: data.byteLength, round: this.#round });
    this.#bytes += data.byteLength;
    return texture;
  }

  // The textures that were not drawn for the longest time leave the card.
  end() {
    if (this.#bytes <= KEPT) return;
    const oldest = [...this.#kept].sort(([, a], [, b]) => a.round - b.round);
    for (const [key, { texture, bytes, round }] of oldest) {
      if (this.#bytes <= KEPT || round === this.#round) return;
      this.#gl.deleteTexture(texture);
      this.#kept.delete(key);
      this.#bytes -= bytes;
    }
  }
}

// Pixels as they are: integers cannot be mixed.
export function plain(gl) {
  for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) {
    gl.texParameteri(gl.TEXTURE_2D, name, gl.NEAREST);
  }
  for (const name of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) {
    gl.texParameteri(gl.TEXTURE_2D, name, gl.CLAMP_TO_EDGE);
  }
}

function interleave(planes) {
  const kind = planes[0].data.constructor;
  const count = planes[0].data.length;
  const found = new kind(PACKED * count);
  planes.forEach(({ data }, number) => {
    for (let at = 0, to = number; at < count; at++, to += PACKED) found[to] = data[at];
  });
  return found;
}

function formOf(gl, data, samples) {
  const one = samples === 1;
  const form = one ? gl.RED_INTEGER : gl.RGBA_INTEGER;
  if (data instanceof Uint8Array) return [one ? gl.R8UI : gl.RGBA8UI, form, gl.UNSIGNED_BYTE];
  if (data instanceof Uint16Array) return [one ? gl.R16UI : gl.RGBA16UI, form, gl.UNSIGNED_SHORT];
  if (data instanceof Uint32Array) return [one ? gl.R32UI : gl.RGBA32UI, form, gl.UNSIGNED_INT];
  return [one ? gl.R32F : gl.RGBA32F, one ? gl.RED : gl.RGBA, gl.FLOAT];
}
