// A gate code as a QR: alphanumeric mode, level M, four modules of quiet zone, each module a whole number of pixels of
// the screen, dark on light whatever the page's colours are.

import { encodeQR } from "./vendor/qr.js";

const QUIET = 4;
const DARK = "#000",
  LIGHT = "#fff";

export function draw(canvas, text, version, width) {
  const rows = encodeQR(text, "raw", { ecc: "medium", encoding: "alphanumeric", version, border: QUIET });
  const ratio = globalThis.devicePixelRatio || 1;
  const pixels = Math.max(1, Math.floor((width * ratio) / rows.length));
  canvas.width = canvas.height = rows.length * pixels;
  canvas.style.width = `${canvas.width / ratio}px`;
  const paper = canvas.getContext("2d", { alpha: false });
  paper.fillStyle = LIGHT;
  paper.fillRect(0, 0, canvas.width, canvas.height);
  paper.fillStyle = DARK;
  rows.forEach((row, y) => row.forEach((dark, x) => dark && paper.fillRect(x * pixels, y * pixels, pixels, pixels)));
}
