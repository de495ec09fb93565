// Where there is a graphics card, its context; else nothing: browsers without a card have no WebGL,
// or work it out on the processor, which is slower than drawing there.

const SOFTWARE = /swiftshader|llvmpipe|software|basic render/i;
const KEPT = "cellfolio-drawn-by"; // a browser is asked once, by its first picture; "card" or "processor"

// A canvas and its context; null where the processor should draw.
export function openCard(options) {
  const known = sessionStorage.getItem(KEPT);
  if (known === "processor") return null;
  const canvas = document.createElement("canvas");
  const gl = canvas.getContext("webgl2", { depth: false, antialias: false, ...options });
  const found = gl !== null && (known === "card" || !isSoftware(gl));
  sessionStorage.setItem(KEPT, found ? "card" : "processor");
  if (found) return { canvas, gl };
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return null;
}

function isSoftware(gl) {
  const told = gl.getExtension("WEBGL_debug_renderer_info");
  return told !== null && SOFTWARE.test(gl.getParameter(told.UNMASKED_RENDERER_WEBGL));
}

export function link(gl, vertex, fragment) {
  const program = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(`the graphics card cannot show this: ${gl.getProgramInfoLog(program)}`);
  }
  return program;
}
