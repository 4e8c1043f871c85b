// An upload in progress, which is aborted by the user or when its component is removed.
import { useEffect, useRef, useState } from "react";
import { upload, uploadKey } from "../api/upload";
import type { Field } from "./settings";

export interface Sending {
  sentBytes: number;
  totalBytes: number;
}

export function useUpload(file: File) {
  const [sending, setSending] = useState<Sending>();
  const [error, setError] = useState<Error | null>(null);
  const control = useRef<AbortController>(undefined);
  // The same for every attempt with the same fields, so that a repeated upload does not create a second action.
  const attempt = useRef({ fields: "", key: "" });
  useEffect(() => () => control.current?.abort(), []);

  const send = (fields: Field[], done: (id: string) => void) => {
    const controller = new AbortController();
    control.current = controller;
    if (attempt.current.fields !== JSON.stringify(fields)) attempt.current = { fields: JSON.stringify(fields), key: uploadKey() };
    setError(null);
    setSending({ sentBytes: 0, totalBytes: file.size });
    upload({
      file,
      fields,
      key: attempt.current.key,
      signal: controller.signal,
      progress: (sentBytes, totalBytes) => setSending({ sentBytes, totalBytes }),
    })
      .then(({ id }) => done(id))
      .catch((reason: Error) => {
        if (!controller.signal.aborted) setError(reason);
      })
      .finally(() => {
        if (control.current === controller) setSending(undefined);
      });
  };
  return { send, sending, error, stop: () => control.current?.abort() };
}
