// Rows per second between samples of a counter, and the line that shows them.

export interface Sample {
  /** Milliseconds. */
  at: number;
  rows: number;
}

export function speedsOf(samples: Sample[]): number[] {
  return samples.slice(1).flatMap((sample, index) => {
    const before = samples[index];
    if (!before || sample.at <= before.at) return [];
    return [((sample.rows - before.rows) * 1000) / (sample.at - before.at)];
  });
}

/** The points of a polyline in a box, the newest at its right edge. */
export function line(speeds: number[], width: number, height: number): string {
  const most = Math.max(...speeds, 1);
  const step = width / Math.max(speeds.length - 1, 1);
  return speeds.map((speed, index) => `${(index * step).toFixed(1)},${(height - (speed / most) * height).toFixed(1)}`).join(" ");
}
