// Planes from the portal: asked for once, kept up to a number of bytes, newest wishes first.

const KEPT = 256 * 1024 * 1024;
const AT_ONCE = 6;
const TYPES = { uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, float32: Float32Array };

export class PlaneLoader {
  #kept = new Map();
  #coming = new Map();
  #waiting = [];
  #wishes = new Map();
  #running = 0;
  #size = 0;

  // The plane if it is here, else undefined.
  peek(address) {
    const found = this.#kept.get(address);
    if (found) {
      this.#kept.delete(address);
      this.#kept.set(address, found);
    }
    return found;
  }

  load(address) {
    const found = this.peek(address);
    if (found) return Promise.resolve(found);
    const coming = this.#coming.get(address);
    if (coming) return coming.promise;
    const job = { address, stop: new AbortController() };
    job.promise = new Promise((resolve, reject) => Object.assign(job, { resolve, reject }));
    // A plane that nobody waits for any more may fail without a word.
    job.promise.catch(() => {});
    this.#coming.set(address, job);
    this.#waiting.push(job);
    this.#start();
    return job.promise;
  }

  // Give up what no viewer wants any more: the user has moved on.
  want(viewer, addresses) {
    this.#wishes.set(viewer, new Set(addresses));
    const wanted = (address) => [...this.#wishes.values()].some((one) => one.has(address));
    for (const [address, job] of this.#coming) {
      if (!wanted(address)) job.stop.abort();
    }
    this.#waiting = this.#waiting.filter((job) => {
      if (wanted(job.address)) return true;
      this.#coming.delete(job.address);
      job.reject(new DOMException("given up", "AbortError"));
      return false;
    });
  }

  leave(viewer) {
    this.#wishes.delete(viewer);
  }

  #start() {
    while (this.#running < AT_ONCE && this.#waiting.length) {
      this.#running++;
      this.#run(this.#waiting.shift());
    }
  }

  async #run(job) {
    try {
      const plane = await fetchPlane(job.address, job.stop.signal);
      this.#keep(job.address, plane);
      job.resolve(plane);
    } catch (error) {
      job.reject(error);
    } finally {
      this.#running--;
      this.#coming.delete(job.address);
      this.#start();
    }
  }

  #keep(address, plane) {
    this.#kept.set(address, plane);
    this.#size += plane.data.byteLength;
    for (const [oldest, old] of this.#kept) {
      if (this.#size <= KEPT || oldest === address) break;
      this.#kept.delete(oldest);
      this.#size -= old.data.byteLength;
    }
  }
}

async function fetchPlane(address, signal) {
  const answer = await fetch(address, { signal });
  if (!answer.ok) throw await failureOf(answer);
  const kind = TYPES[answer.headers.get("x-dtype")];
  const data = new kind(await answer.arrayBuffer());
  const [width, height] = ["x-width", "x-height"].map((name) => Number(answer.headers.get(name)));
  return { data, width, height, address };
}

// What the portal says about a request that failed.
export async function failureOf(answer) {
  const told = await answer.json().catch(() => ({ error: `the portal answers ${answer.status}` }));
  const error = new Error(told.error);
  error.hint = told.hint ?? "";
  return error;
}

export async function fetchJson(address, signal) {
  const answer = await fetch(address, { signal });
  if (!answer.ok) throw await failureOf(answer);
  return answer.json();
}
