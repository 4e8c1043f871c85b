// Looks at the chosen file: once for each kind of record to find its columns, and again for every choice to see what it would do.
import { keepPreviousData, useQueries, useQuery } from "@tanstack/react-query";
import type { Entity } from "../api/types";
import { inspect, type Inspection } from "./inspection";
import { type Field, type Reading, readingFields } from "./settings";

/** Beyond, the user says first which kind it is. */
const MOST_GUESSES = 6;

/** Names a file for the cache: the browser has no better name for it. */
export function fileKey(file: File): string {
  return [file.name, file.size, file.lastModified].join("/");
}

function look(file: File, fields: Field[]) {
  return {
    queryKey: ["inspect", fileKey(file), fields],
    queryFn: ({ signal }: { signal: AbortSignal }) => inspect(file, fields, signal),
    staleTime: Infinity,
    retry: false,
  };
}

/** The file as each kind of record would have it. */
export function useGuesses(file: File, entities: Entity[], chosen: string | undefined, reading: Reading) {
  const asked = chosen || entities.length > MOST_GUESSES ? entities.filter(({ type }) => type === chosen) : entities;
  return useQueries({
    queries: asked.map(({ type }) => look(file, readingFields({ entityType: type, actionType: "bulk_upsert", reading }))),
    combine: (results) => ({
      isPending: results.some((result) => result.isPending),
      error: results.find((result) => result.error)?.error ?? null,
      of: (type: string): Inspection | undefined => results[asked.findIndex((entity) => entity.type === type)]?.data,
    }),
  });
}

/** What an upload with these fields would meet. */
export function usePreview(file: File, fields: Field[] | null) {
  return useQuery({
    ...look(file, fields ?? []),
    enabled: fields !== null,
    placeholderData: keepPreviousData,
  });
}
