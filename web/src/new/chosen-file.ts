// The chosen or dropped file. Only its handle is kept; the browser reads the file when it is sent.
import { useSyncExternalStore } from "react";

let chosen: File | null = null;
const listeners = new Set<() => void>();

export function chooseFile(file: File | null) {
  chosen = file;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useChosenFile(): File | null {
  return useSyncExternalStore(subscribe, () => chosen);
}
