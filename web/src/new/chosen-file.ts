// The file that was dropped, on whichever screen that was. Only its handle: the browser reads it when it is sent.
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
