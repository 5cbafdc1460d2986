/**
 * The week as a small picture: a bar for each archive where it was taken, as high as it is large, coloured by its word; red
 * from top to bottom where a run failed. Drawn here, because Slack shows no SVG and no chart service is told our sizes.
 */
import type { Digest } from '../../domain/settings/digest.ts';
import { type Colour, encodePng } from '../../domain/png.ts';

const WIDTH = 560;
const HEIGHT = 120;
const BASE = 112;
const HIGHEST = 100;
const DAYS = 7;

const PALETTE: readonly Colour[] = [
  [255, 255, 255],
  [221, 225, 230],
  [46, 160, 67],
  [224, 123, 0],
  [212, 178, 0],
  [207, 34, 46],
];
const [BACKGROUND, GRID, GOOD, GAPS, SUSPICIOUS, FAILED] = [0, 1, 2, 3, 4, 5];
const COLOURS = { good: GOOD, gaps: GAPS, suspicious: SUSPICIOUS };

type Bar = { x: number; width: number; top: number; colour: number };

/** The chart as a PNG file. */
export const digestChart = (digest: Digest): Buffer => {
  const pixels = new Uint8Array(WIDTH * HEIGHT).fill(BACKGROUND);
  for (const bar of barsOf(digest)) {
    for (let y = bar.top; y < BASE; y++) {
      const from = Math.max(0, bar.x);
      pixels.fill(bar.colour, y * WIDTH + from, y * WIDTH + Math.min(WIDTH, bar.x + bar.width));
    }
  }
  pixels.fill(GRID, BASE * WIDTH, (BASE + 1) * WIDTH);
  return encodePng({ width: WIDTH, height: HEIGHT, palette: PALETTE, pixels });
};

/** Later ones are drawn over earlier ones: a failure is never hidden. */
const barsOf = ({ from, to, archives, failedAt }: Digest): Bar[] => {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const xOf = (time: string): number => Math.round(((Date.parse(time) - start) / (end - start)) * (WIDTH - 4));
  const largest = Math.max(1, ...archives.map(({ sizeBytes }) => sizeBytes));
  return [
    ...Array.from({ length: DAYS }, (_, day) => ({ x: (WIDTH * day) / DAYS, width: 1, top: 0, colour: GRID })),
    ...archives.map(({ takenAt, sizeBytes, word }) => ({
      x: xOf(takenAt),
      width: 4,
      top: BASE - Math.max(1, Math.round((HIGHEST * sizeBytes) / largest)),
      colour: COLOURS[word],
    })),
    ...failedAt.map((time) => ({ x: xOf(time), width: 2, top: 4, colour: FAILED })),
  ];
};
