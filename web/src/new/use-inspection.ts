// Inspects the chosen file: once per entity to match its columns, and again after every change of the settings.
import { keepPreviousData, useQueries, useQuery } from "@tanstack/react-query";
import type { Entity } from "../api/types";
import { inspect, type Inspection } from "./inspection";
import { type Field, type Reading, readingFields } from "./settings";

/** With more entities, the user chooses one first. */
const MOST_GUESSES = 6;

/** Cache key of a file, built from the properties that the browser provides. */
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

/** Inspection of the file as each entity. */
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

/** Preview of an upload with these fields. */
export function usePreview(file: File, fields: Field[] | null) {
  return useQuery({
    ...look(file, fields ?? []),
    enabled: fields !== null,
    placeholderData: keepPreviousData,
  });
}
