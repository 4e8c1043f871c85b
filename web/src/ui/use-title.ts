// Sets the document's title, so that tabs and history entries can be told apart.
import { useEffect } from "react";

export function useTitle(title: string) {
  useEffect(() => {
    document.title = `${title} · Bulk actions`;
  }, [title]);
}
