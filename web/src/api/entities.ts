// Requests about entities.
import { useQuery } from "@tanstack/react-query";
import { answer, api } from "./client";
import type { Entity } from "./types";

export function useEntities() {
  return useQuery({
    queryKey: ["entities"],
    queryFn: async ({ signal }): Promise<Entity[]> => (await answer(api.GET("/entities", { signal }))).data,
    staleTime: 300_000,
  });
}
