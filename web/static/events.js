/** Server-sent events of a POST's answer, which the browser's own EventSource can't send. */

/**
 * Read events as they come; comments are left out.
 *
 * @param {ReadableStream<Uint8Array>} stream the body of the answer
 * @yields {{name: string, data: any}} the event's name, and its data, which is JSON
 */
export async function* readEvents(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let line = []; // pieces: a result is one line of many megabytes, and joining it at every piece would take hours
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
    reader.cancel().catch(() => {}); // it may have failed already, for the reason that is thrown
  }
}
