/** Reads server-sent events from the response to a POST. The browser's EventSource can only GET. */

/**
 * Read events as they arrive, without comments.
 *
 * @param {ReadableStream<Uint8Array>} stream the response body
 * @yields {{name: string, data: any}} name and parsed JSON data of an event
 */
export async function* readEvents(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let line = []; // pieces of a line: a result is one line of many MB, and joining it at each piece would be quadratic
  let name = "";
  let data = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const pieces = value.split("\n");
      const rest = pieces.pop();
      for (const piece of pieces) {
        line.push(piece);
        const text = line.join("").replace(/\r$/, "");
        line = [];
        if (text.startsWith("event:")) name = text.slice(6).trim();
        else if (text.startsWith("data:")) data.push(text.slice(5));
        else if (text === "" && data.length) {
          yield { name, data: JSON.parse(data.join("\n")) };
          name = "";
          data = [];
        }
      }
      line.push(rest);
    }
  } finally {
    reader.cancel().catch(() => {}); // it may have failed already; that error is being thrown
  }
}
