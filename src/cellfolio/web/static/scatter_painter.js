// Points drawn on the processor, for browsers without a graphics card: the same discs as
// `scatter_gl.js` draws.

const SIDES = 2; // a disc is this much wider than its radius, for its soft edge

export class PointPainter {
  #pixels = null;

  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.places = new Float32Array(0);
    this.colours = new Uint8Array(0);
    this.order = new Uint32Array(0);
  }

  setPlaces(places) {
    this.places = places;
  }

  setColours(colours) {
    this.colours = colours;
  }

  setOrder(order) {
    this.order = order;
  }

  draw({ scale, shift, size, most = Infinity }) {
    const { width, height } = this.canvas;
    const length = 4 * width * height;
    if (this.#pixels?.length === length) this.#pixels.fill(0);
    else this.#pixels = new Float32Array(length);
    const discs = new Discs(size, width);
    const count = Math.min(this.order.length, most);
    for (let at = 0; at < count; at++) {
      const row = this.order[at];
      if (this.colours[4 * row + 3] === 0) continue;
      const x = ((this.places[2 * row] * scale[0] + shift[0] + 1) / 2) * width;
      const y = ((1 - this.places[2 * row + 1] * scale[1] - shift[1]) / 2) * height;
      if (x > -size && y > -size && x < width + size && y < height + size) {
        discs.lay(this.#pixels, x, y, this.colours, 4 * row);
      }
    }
    this.context.putImageData(plain(this.#pixels, width, height), 0, 0);
  }
}

// Discs of one size: how much of each pixel they cover, by where in a pixel their centre is.
class Discs {
  constructor(size, width) {
    this.size = size;
    this.width = width;
    this.reach = Math.ceil(size / SIDES);
    this.kept = new Map();
  }

  lay(pixels, x, y, colours, from) {
    const left = Math.floor(x);
    const top = Math.floor(y);
    const { covers, side } = this.#at(Math.floor(2 * (x - left)), Math.floor(2 * (y - top)));
    const opaque = colours[from + 3] / 255;
    const height = pixels.length / (4 * this.width);
    for (let row = 0; row < side; row++) {
      const down = top - this.reach + row;
      if (down < 0 || down >= height) continue;
      for (let column = 0; column < side; column++) {
        const right = left - this.reach + column;
        const alpha = covers[row * side + column] * opaque;
        if (alpha === 0 || right < 0 || right >= this.width) continue;
        const to = 4 * (down * this.width + right);
        for (let part = 0; part < 3; part++) {
          pixels[to + part] = colours[from + part] * alpha + pixels[to + part] * (1 - alpha);
        }
        pixels[to + 3] = 255 * alpha + pixels[to + 3] * (1 - alpha);
      }
    }
  }

  // Centres are told apart by halves of a pixel.
  #at(right, down) {
    const key = 2 * down + right;
    if (!this.kept.has(key)) {
      const side = 2 * this.reach + 1;
      const soft = Math.min(0.5, 1 / this.size);
      const centre = [this.reach + right / 2 + 0.25, this.reach + down / 2 + 0.25];
      const covers = Float32Array.from({ length: side * side }, (_, at) => {
        const far = Math.hypot((at % side) + 0.5 - centre[0], Math.floor(at / side) + 0.5 - centre[1]);
        return 1 - smooth(0.5 - soft, 0.5, far / this.size);
      });
      this.kept.set(key, { covers, side });
    }
    return this.kept.get(key);
  }
}

function smooth(low, high, value) {
  const part = Math.min(1, Math.max(0, (value - low) / (high - low)));
  return part * part * (3 - 2 * part);
}

// Pixels as a canvas takes them: colours are not multiplied by how opaque they are.
function plain(pixels, width, height) {
  const found = new ImageData(width, height);
  for (let at = 0; at < pixels.length; at += 4) {
    const opaque = pixels[at + 3];
    if (opaque === 0) continue;
    for (let part = 0; part < 3; part++) found.data[at + part] = (255 * pixels[at + part]) / opaque;
    found.data[at + 3] = opaque;
  }
  return found;
}
