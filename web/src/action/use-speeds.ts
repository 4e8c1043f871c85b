// The recent speeds, computed between successive updates.
import { useEffect, useRef, useState } from "react";
import type { Action } from "../api/types";
import { type Sample, speedsOf } from "./speeds";

const MOST_SAMPLES = 60;

export function useSpeeds(action: Action): number[] {
  const samples = useRef<Sample[]>([]);
  const [speeds, setSpeeds] = useState<number[]>([]);
  const { processedRecords } = action.progress;
  const at = Date.parse(action.updatedAt);
  useEffect(() => {
    const last = samples.current.at(-1);
    if (last && (last.at >= at || last.rows === processedRecords)) return;
    samples.current = [...samples.current, { at, rows: processedRecords }].slice(-MOST_SAMPLES);
    setSpeeds(speedsOf(samples.current));
  }, [at, processedRecords]);
  return speeds;
}
