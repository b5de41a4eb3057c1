/** The canvas that shows a picture while it is enlarged, tile by tile. */

// The limit of a canvas on phones.
const MAX_PIXELS = 16_000_000;

/** A canvas with the size of a picture, scaled down if that exceeds `MAX_PIXELS`. */
export class Board {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
  }

  /** A new board of this size with `image` stretched over it; null: empty. */
  static of(size, image) {
    const board = new Board(document.createElement("canvas"));
    board.begin(size);
    if (image) board.cover(image);
    return board;
  }

  /** A copy of the canvas. */
  copy() {
    return Board.of(this.canvas, this.canvas).canvas;
  }

  /** Clear the board for a picture of this size, in px. */
  begin({ width, height }) {
    this.scale = Math.min(1, Math.sqrt(MAX_PIXELS / (width * height)));
    this.canvas.width = Math.round(width * this.scale);
    this.canvas.height = Math.round(height * this.scale);
    this.context.imageSmoothingQuality = "high";
  }

  /** Stretch an image over the whole board. */
  cover(image) {
    this.put(image, 0, 0, this.canvas.width, this.canvas.height);
  }

  /** Draw a finished tile at its place, given in px of the picture. */
  draw(image, { left, top, width, height }) {
    // Rounded outwards to whole px of the canvas, so that there are no gaps between tiles.
    const [x, y] = [left, top].map((edge) => Math.floor(edge * this.scale));
    const [right, bottom] = [left + width, top + height].map((edge) => Math.ceil(edge * this.scale));
    this.put(image, x, y, right - x, bottom - y);
  }

  /** Replace a part of the canvas, also below transparent px. */
  put(image, x, y, width, height) {
    this.context.clearRect(x, y, width, height);
    this.context.drawImage(image, x, y, width, height);
  }
}

/** Decode a file into an image to draw; null if it is not here, or the browser does not support its format. */
export async function decoded(blob) {
  if (!(blob instanceof Blob)) return null;
  const image = new Image();
  image.alt = "";
  image.draggable = false;
  image.src = URL.createObjectURL(blob);
  try {
    await image.decode();
    return image;
  } catch {
    release(image);
    return null;
  }
}

/** Free the memory of an image from `decoded`. */
export function release(image) {
  if (image instanceof Image) URL.revokeObjectURL(image.src);
}
