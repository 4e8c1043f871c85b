// Formatting of numbers, sizes and times.

const WHOLE = new Intl.NumberFormat("en-US");
const RELATIVE = new Intl.RelativeTimeFormat("en-US", { numeric: "auto" });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** 4213 as 4,213. */
export function count(value: number): string {
  return WHOLE.format(value);
}

/** `1 row`, `2 rows`. */
export function rows(value: number): string {
  return `${count(value)} ${value === 1 ? "row" : "rows"}`;
}

/** Bytes as KB, MB or GB. */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["KB", "MB", "GB", "TB"];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** Milliseconds as `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(ms: number): string {
  const seconds = Math.max(ms, 0) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

/** An instant as `2 minutes ago` or `in 3 hours`; older than a month, its date. */
export function ago(instant: string, now: number): string {
  const difference = Date.parse(instant) - now;
  if (Math.abs(difference) > 30 * 86_400_000) return moment(instant);
  for (const [unit, ms] of STEPS) {
    if (Math.abs(difference) >= ms) return RELATIVE.format(Math.trunc(difference / ms), unit);
  }
  return difference > 1000 ? "in a moment" : "just now";
}

/** Date and time in the user's time zone. */
export function moment(instant: string): string {
  return MOMENT.format(new Date(instant));
}

/** 0.4213 as 42%. Only exactly none and all are shown as 0% and 100%. */
export function percent(share: number): string {
  const value = Math.round(share * 100);
  if (share > 0 && value === 0) return "<1%";
  if (share < 1 && value === 100) return "99%";
  return `${value}%`;
}
