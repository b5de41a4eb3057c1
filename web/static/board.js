/** The canvas on which a picture becomes sharp, tile by tile. */

// Phones refuse to draw on larger ones.
const MOST_PIXELS = 16_000_000;

/** A canvas for a picture, in its own size where that can be drawn on, else smaller. */
export class Board {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
  }

  /** A board of its own with one picture, null: none, stretched over it. */
  static of(size, image) {
    const board = new Board(document.createElement("canvas"));
    board.begin(size);
    if (image) board.cover(image);
    return board;
  }

  /** A canvas with what is on this one. */
  copy() {
    return Board.of(this.canvas, this.canvas).canvas;
  }

  /** Begin a picture of this many px, with nothing on it. */
  begin({ width, height }) {
    this.scale = Math.min(1, Math.sqrt(MOST_PIXELS / (width * height)));
    this.canvas.width = Math.round(width * this.scale);
    this.canvas.height = Math.round(height * this.scale);
    this.context.imageSmoothingQuality = "high";
  }

  /** Stretch a picture over all of it. */
  cover(image) {
    this.put(image, 0, 0, this.canvas.width, this.canvas.height);
  }

  /** Draw a finished piece; `place` in px of the picture. */
  draw(image, { left, top, width, height }) {
    // Whole px of the canvas, so that neighbours leave no line between them.
    const [x, y] = [left, top].map((edge) => Math.floor(edge * this.scale));
    const [right, bottom] = [left + width, top + height].map((edge) => Math.ceil(edge * this.scale));
    this.put(image, x, y, right - x, bottom - y);
  }

  /** What was there goes, also below transparent px. */
  put(image, x, y, width, height) {
    this.context.clearRect(x, y, width, height);
    this.context.drawImage(image, x, y, width, height);
  }
}

/** A file as an image that can be drawn; null: this browser doesn't show its format. */
export async function decoded(blob) {
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

/** Give back what an image from `decoded` holds. */
export function release(image) {
  if (image instanceof Image) URL.revokeObjectURL(image.src);
}
