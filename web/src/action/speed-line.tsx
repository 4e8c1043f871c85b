// A chart of the speed. The numbers are shown beside it, so it is decoration for screen readers.
import { line } from "./speeds";

const WIDTH = 140;
const HEIGHT = 30;

export function SpeedLine({ speeds }: { speeds: number[] }) {
  if (speeds.length < 2) return null;
  return (
    <svg className="speed-line" viewBox={`0 -2 ${WIDTH} ${HEIGHT + 4}`} width={WIDTH} height={HEIGHT} aria-hidden="true">
      <polyline points={line(speeds, WIDTH, HEIGHT)} />
    </svg>
  );
}
