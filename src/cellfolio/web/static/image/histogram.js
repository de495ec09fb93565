// How bright a plane is: limits of its contrast, and counts for the histogram. The rule for limits
// is that of the library: percentiles of the pixels that are not exactly 0.

const BINS = 256;
const SAMPLE = 200_000;

export function measure(plane) {
  return plane.data instanceof Float32Array ? measureReal(plane.data) : measureWhole(plane.data);
}

function measureWhole(data) {
  const most = data instanceof Uint8Array ? 256 : 65_536;
  const counts = new Uint32Array(most);
  for (let at = 0; at < data.length; at++) counts[data[at]]++;
  let low = 0;
  let high = most - 1;
  while (low < high && !counts[low]) low++;
  while (high > low && !counts[high]) high--;
  const lit = data.length - counts[0];
  const atRank = (rank) => {
    let seen = 0;
    for (let value = 1; value < most; value++) {
      seen += counts[value];
      if (seen > rank) return value;
    }
    return high;
  };
  return { low, high, lit, most: most - 1, atRank, bins: (from, to) => binWhole(counts, from, to) };
}

function measureReal(data) {
  const step = Math.max(1, Math.ceil(data.length / SAMPLE));
  const found = [];
  let low = Infinity;
  let high = -Infinity;
  for (let at = 0; at < data.length; at++) {
    const value = data[at];
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
    if (at % step === 0 && value !== 0) found.push(value);
  }
  const sorted = Float32Array.from(found).sort();
  if (low > high) low = high = 0;
  return {
    low,
    high,
    lit: sorted.length,
    most: null,
    atRank: (rank) => sorted[rank],
    bins: (from, to) => binReal(sorted, from, to),
  };
}

function binWhole(counts, from, to) {
  const bins = new Float64Array(BINS);
  const scale = BINS / Math.max(1, to - from + 1);
  for (let value = Math.max(0, Math.floor(from)); value <= Math.min(to, counts.length - 1); value++) {
    bins[Math.min(BINS - 1, Math.floor((value - from) * scale))] += counts[value];
  }
  return bins;
}

function binReal(sorted, from, to) {
  const bins = new Float64Array(BINS);
  const scale = BINS / (to - from || 1);
  for (const value of sorted) {
    const bin = Math.floor((value - from) * scale);
    if (bin >= 0 && bin < BINS) bins[bin]++;
    else if (value === to) bins[BINS - 1]++;
  }
  return bins;
}

export function findLimits(measured, rule) {
  if (rule.limits) return { low: rule.limits[0], high: rule.limits[1] };
  if (!measured.lit) return { low: 0, high: 1 };
  let [low, high] = rule.percentiles.map((share) => percentile(measured, share));
  if (low === high) ({ low, high } = measured);
  if (low < high) return { low, high };
  return low === measured.most ? { low: low - 1, high: low } : { low, high: low + 1 };
}

function percentile(measured, share) {
  const rank = (share / 100) * (measured.lit - 1);
  const below = measured.atRank(Math.floor(rank));
  const above = measured.atRank(Math.ceil(rank));
  return below + (above - below) * (rank - Math.floor(rank));
}
