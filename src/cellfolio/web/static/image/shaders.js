// Programs of the graphics card: one adds channels in their colours, one draws outlines of objects.
//
// Browsers without a graphics card compile and run them on the processor. So each is as small as
// its work allows, four channels come with one look-up, and outlines, which need many, are drawn
// only when the view or the objects change, not with every change of contrast.

export const LAYERS = 4;
export const CHANNELS = 8;
export const PACKED = 4; // channels in one texture

export const VERTEX = `#version 300 es
void main() {
  // One triangle that covers the stage.
  gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, 0.0, 1.0);
}`;

// Samplers may only be indexed by constants, so each has lines of its own.
const each = (count, line) => Array.from({ length: count }, (_, n) => line(n)).join("\n");

const VIEW = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
precision highp usampler2D;
uniform vec2 origin;   // pixel of the image at the upper left corner
uniform float pixel;   // pixels of the image for one of the stage
uniform float stage;   // height of the stage
uniform vec2 ratio;    // pixels of a plane for one of the image
uniform ivec2 last;    // last pixel of its planes
out vec4 result;
`;

const tap = (kind, pack) => {
  const value = `texelFetch(pack${pack}, q, 0)`;
  if (kind !== "sampler2D") return `vec4(${value})`;
  // What is no number is as dark as can be.
  return `known(${value}, dark[${pack}])`;
};

const KNOWN = `
vec4 known(vec4 value, vec4 otherwise) {
  return mix(value, otherwise, isnan(value));
}
`;

// `fine`: how many pixels of the image are averaged along each axis; `curved`: whether there is a
// gamma; `lined`: whether outlines lie over it.
export const light = ({ kind, packs, fine, curved, lined }) => `${VIEW}
${each(packs, (n) => `uniform ${kind} pack${n};`)}
uniform vec3 colours[${packs * PACKED}];
uniform vec4 dark[${packs}];
uniform vec4 scale[${packs}];   // one over the distance from black to white
uniform float gamma;
uniform sampler2D outlines;
${kind === "sampler2D" ? KNOWN : ""}
void main() {
  vec2 at = origin + vec2(gl_FragCoord.x, stage - gl_FragCoord.y) * pixel;
${fine === 1 ? `  ivec2 q = clamp(ivec2(at * ratio), ivec2(0), last);
${each(packs, (n) => `  vec4 sum${n} = ${tap(kind, n)};`)}` : `${each(packs, (n) => `  vec4 sum${n} = vec4(0.0);`)}
  for (int row = 0; row < ${fine}; row++) {
    for (int column = 0; column < ${fine}; column++) {
      vec2 off = (vec2(column, row) + 0.5) / ${fine}.0 - 0.5;
      ivec2 q = clamp(ivec2((at + off * pixel) * ratio), ivec2(0), last);
${each(packs, (n) => `      sum${n} += ${tap(kind, n)};`)}
    }
  }
${each(packs, (n) => `  sum${n} /= ${fine * fine}.0;`)}`}
  vec3 light = vec3(0.0);
${each(packs, (n) => `  vec4 part${n} = clamp((sum${n} - dark[${n}]) * scale[${n}], 0.0, 1.0);
${curved ? `  part${n} = pow(part${n}, vec4(gamma));` : ""}
  light += colours[${4 * n}] * part${n}.r + colours[${4 * n + 1}] * part${n}.g
    + colours[${4 * n + 2}] * part${n}.b + colours[${4 * n + 3}] * part${n}.a;`)}
  light = min(light, 1.0);
${lined ? `  vec4 over = texelFetch(outlines, ivec2(gl_FragCoord.xy), 0);
  light = light * (1.0 - over.a) + over.rgb;` : ""}
  result = vec4(light, 1.0);
}`;

export const outlines = ({ layers }) => `${VIEW}
${each(layers, (n) => `uniform usampler2D layer${n};`)}
uniform vec2 whole;         // size of the image
uniform vec4 lines[${layers}];     // colour and opacity
uniform uint chosen[${layers}];
uniform uint pointed[${layers}];
uniform float stroke;       // width of lines, in pixels of the stage

bool differs(usampler2D layer, uint here, vec2 at) {
  // Where the image cuts an object there is no line.
  if (at.x < 0.0 || at.y < 0.0 || at.x >= whole.x || at.y >= whole.y) return false;
  return texelFetch(layer, min(ivec2(at * ratio), last), 0).r != here;
}

vec4 outline(usampler2D layer, vec2 at, ivec2 texel, vec4 line, uint marked, uint hovered) {
  uint here = texelFetch(layer, texel, 0).r;
  if (here == 0u) return vec4(0.0);
  bool strong = here == marked;
  float reach = pixel * (strong ? stroke * 2.0 : stroke);
  bool edge = differs(layer, here, at + vec2(reach, 0.0))
    || differs(layer, here, at - vec2(reach, 0.0))
    || differs(layer, here, at + vec2(0.0, reach))
    || differs(layer, here, at - vec2(0.0, reach));
  if (edge) return strong ? vec4(1.0) : vec4(line.rgb * line.a, line.a);
  float tint = strong ? 0.12 : here == hovered ? 0.2 : 0.0;
  return vec4(line.rgb * tint, tint);
}

void main() {
  vec2 at = origin + vec2(gl_FragCoord.x, stage - gl_FragCoord.y) * pixel;
  ivec2 texel = clamp(ivec2(at * ratio), ivec2(0), last);
  vec4 over = vec4(0.0);
  vec4 next;
${each(layers, (n) => `  next = outline(layer${n}, at, texel, lines[${n}], chosen[${n}], pointed[${n}]);
  over = next + over * (1.0 - next.a);`)}
  result = over;
}`;
