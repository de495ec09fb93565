// In front of the points: ticks with numbers, the lasso, a ring around the point that is meant.

export function drawAxes(scatter, margin, ratio) {
  const context = scatter.front.getContext("2d");
  const { width, height } = scatter.plot;
  const style = getComputedStyle(scatter.host);
  const ink = { text: style.getPropertyValue("--dim"), line: style.getPropertyValue("--line"), mark: style.getPropertyValue("--accent") };
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, scatter.host.clientWidth, scatter.host.clientHeight);
  context.font = "12px system-ui, sans-serif";
  context.strokeStyle = ink.line;
  context.strokeRect(margin.left - 0.5, margin.top - 0.5, width + 1, height + 1);
  context.fillStyle = ink.text;
  ticksAcross(scatter, context, margin, { width, height });
  ticksUp(scatter, context, margin, { width, height });
  context.save();
  context.beginPath();
  context.rect(margin.left, margin.top, width, height);
  context.clip();
  drawLine(scatter, context, ink.mark);
  drawRing(scatter, context, style.getPropertyValue("--text"));
  context.restore();
}

function ticksAcross(scatter, context, margin, { width, height }) {
  const [left] = scatter.toData(scatter.toUnit(margin.left, margin.top));
  const [right] = scatter.toData(scatter.toUnit(margin.left + width, margin.top));
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const tick of ticks(left, right, width / 90)) {
    const [at] = scatter.toPixel(...scatter.toUnits([tick.value, 0]));
    context.fillRect(at, margin.top + height, 1, 4);
    context.fillText(tick.text, at, margin.top + height + 7);
  }
  context.fillText(shortened(scatter.frame.labels[0], width / 7), margin.left + width / 2, margin.top + height + 24);
}

function ticksUp(scatter, context, margin, { width, height }) {
  const [, top] = scatter.toData(scatter.toUnit(margin.left, margin.top));
  const [, bottom] = scatter.toData(scatter.toUnit(margin.left, margin.top + height));
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const tick of ticks(Math.min(top, bottom), Math.max(top, bottom), height / 60)) {
    const [, at] = scatter.toPixel(...scatter.toUnits([0, tick.value]));
    context.fillRect(margin.left - 4, at, 4, 1);
    context.fillText(tick.text, margin.left - 7, at);
  }
  context.save();
  context.translate(10, margin.top + height / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText(shortened(scatter.frame.labels[1], height / 7), 0, 0);
  context.restore();
}

function shortened(text, most) {
  return text.length <= most ? text : `${text.slice(0, Math.max(1, most - 1))}…`;
}

// Round numbers between two, about so many.
export function ticks(low, high, count) {
  const rough = (high - low) / Math.max(1, count);
  if (!(rough > 0) || !Number.isFinite(rough)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((one) => one * power >= rough) * power;
  const found = [];
  for (let at = Math.ceil(low / step); at * step <= high && found.length < 50; at += 1) {
    found.push({ value: at * step, text: numberText(at * step, step) });
  }
  return found;
}

export function numberText(value, step = Math.abs(value) / 1000) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(Math.max(0, Math.min(3, Math.round(Math.log10(size / step))))).replace("e+", "e");
  const digits = Math.max(0, Math.min(6, -Math.floor(Math.log10(step) + 1e-9)));
  return value.toLocaleString("en", { minimumFractionDigits: 0, maximumFractionDigits: digits });
}

function drawLine(scatter, context, colour) {
  const line = scatter.drawn;
  if (!line || line.length < 4) return;
  context.beginPath();
  for (let at = 0; at < line.length; at += 2) context.lineTo(...scatter.toPixel(line[at], line[at + 1]));
  if (scatter.line === null || scatter.line === undefined) context.closePath();
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.stroke();
  context.lineWidth = 1;
}

function drawRing(scatter, context, colour) {
  const row = scatter.under;
  if (!(row >= 0)) return;
  const [left, top] = scatter.toPixel(scatter.units[2 * row], scatter.units[2 * row + 1]);
  context.beginPath();
  context.arc(left, top, Math.max(5, scatter.size / 2 + 3), 0, 2 * Math.PI);
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.stroke();
  context.lineWidth = 1;
}
