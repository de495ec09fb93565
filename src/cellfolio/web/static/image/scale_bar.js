// The longest bar of 1, 2 or 5 times a power of ten that takes a fifth of the stage at most.

export function scaleBar(pixel, zoom, width) {
  const longest = ((pixel ?? 1) / zoom) * width * 0.2;
  const power = 10 ** Math.floor(Math.log10(longest));
  const length = [5, 2, 1].map((step) => step * power).find((one) => one <= longest * (1 + 1e-9));
  return { length: (length / (pixel ?? 1)) * zoom, label: pixel ? inUnits(length) : `${told(length)} px` };
}

const told = (number) => String(Number(number.toPrecision(3)));

function inUnits(micrometres) {
  if (micrometres >= 1000) return `${told(micrometres / 1000)} mm`;
  return micrometres >= 1 ? `${told(micrometres)} µm` : `${told(micrometres * 1000)} nm`;
}
