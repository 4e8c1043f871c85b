// Progress of the upload.
import { percent, size } from "../text/format";
import type { Sending } from "./use-upload";

export function UploadProgress({ sending, stop }: { sending: Sending; stop: () => void }) {
  const { sentBytes, totalBytes } = sending;
  const share = sentBytes / Math.max(totalBytes, 1);
  const whole = sentBytes >= totalBytes;
  return (
    <div className="upload-progress" role="status">
      <progress max={1} value={whole ? undefined : share} aria-label="Uploaded" />
      <span>{whole ? "Uploaded; the server reads the last of it…" : `Uploading: ${percent(share)} of ${size(totalBytes)}`}</span>
      <button type="button" className="small" onClick={stop}>
        Stop
      </button>
    </div>
  );
}
