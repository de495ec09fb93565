// Colours of points: classes that everybody can tell apart, and a ramp for numbers.

// Okabe and Ito's eight colours, then those of Tol's muted scheme; on a dark page what is dark is light.
const CLASSES = {
  light: [
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#B8A800", "#000000",
    "#882255", "#44AA99", "#332288", "#BBA84B", "#117733", "#AA4499", "#6FB5DB", "#999933",
  ],
  dark: [
    "#3D9BDC", "#E69F00", "#1FBF91", "#CC79A7", "#7CC8F2", "#E5712A", "#F0E442", "#FFFFFF",
    "#C2588F", "#44AA99", "#8C7FE0", "#DDCC77", "#4FA86B", "#C77BBB", "#88CCEE", "#B5B54D",
  ],
};
const GREY = { light: { other: "#9A9A9A", missing: "#D4D4D4" }, dark: { other: "#8A8A8A", missing: "#4A5354" } };

// Viridis, which looks evenly stepped, in shades of grey too.
const STOPS = [
  [68, 1, 84], [72, 24, 106], [71, 45, 123], [66, 64, 134], [59, 82, 139], [51, 99, 141],
  [44, 114, 142], [38, 130, 142], [33, 145, 140], [31, 160, 136], [40, 174, 128], [63, 188, 115],
  [94, 201, 98], [132, 212, 75], [173, 220, 48], [216, 226, 25], [253, 231, 37],
];

export const KNOWN = CLASSES.light.length;

// How addresses call rows without a value.
export const UNKNOWN = "~unknown";

export function theme() {
  return document.documentElement.dataset.theme === "dark" ? "dark" : "light";
}

export function classColour(code) {
  return CLASSES[theme()][code] ?? GREY[theme()].other;
}

export function missingColour() {
  return GREY[theme()].missing;
}

export function parts(hex) {
  const number = parseInt(hex.slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

// 256 colours, three bytes each.
export const RAMP = (() => {
  const found = new Uint8Array(256 * 3);
  for (let at = 0; at < 256; at += 1) {
    const place = (at / 255) * (STOPS.length - 1);
    const low = Math.min(Math.floor(place), STOPS.length - 2);
    for (let part = 0; part < 3; part += 1) {
      const share = place - low;
      found[at * 3 + part] = Math.round(STOPS[low][part] * (1 - share) + STOPS[low + 1][part] * share);
    }
  }
  return found;
})();

export function rampColour(share) {
  const at = Math.round(Math.min(1, Math.max(0, share)) * 255) * 3;
  return `rgb(${RAMP[at]} ${RAMP[at + 1]} ${RAMP[at + 2]})`;
}
