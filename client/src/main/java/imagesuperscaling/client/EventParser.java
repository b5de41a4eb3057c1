package imagesuperscaling.client;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Parses server-sent events (HTML standard, 9.2.6) as their bytes arrive. Comments and incomplete events are dropped. */
final class EventParser {
    /** Takes an event. */
    @FunctionalInterface
    interface Handler {
        void event(String name, String data) throws UpscaleException;
    }

    /** An event is larger than allowed. */
    static final class TooLarge extends Exception {
        private static final long serialVersionUID = 1L;
    }

    private final Handler handler;
    private final long maxBytes;
    private ByteArrayOutputStream line = new ByteArrayOutputStream();
    private boolean afterReturn;
    private String name = "";
    private String data;

    /** {@code maxBytes}: of an event. */
    EventParser(Handler handler, long maxBytes) {
        this.handler = handler;
        this.maxBytes = maxBytes;
    }

    /** Takes what has arrived, and hands on the events that it completes. */
    void feed(ByteBuffer bytes) throws TooLarge, UpscaleException {
        byte[] piece = new byte[bytes.remaining()];
        bytes.get(piece);
        int start = 0;
        for (int i = 0; i < piece.length; i++) {
            if (piece[i] != '\n' && piece[i] != '\r') {
                afterReturn = false;
                continue;
            }
            boolean second = piece[i] == '\n' && afterReturn; // of the two bytes of one line break
            afterReturn = piece[i] == '\r';
            if (!second) {
                add(piece, start, i);
                endLine();
            }
            start = i + 1;
        }
        add(piece, start, piece.length);
    }

    private void add(byte[] piece, int start, int end) throws TooLarge {
        if ((data == null ? 0L : data.length()) + line.size() + end - start > maxBytes) {
            throw new TooLarge();
        }
        line.write(piece, start, end - start);
    }

    private void endLine() throws UpscaleException {
        String text = line.toString(StandardCharsets.UTF_8);
        line = new ByteArrayOutputStream(); // a result is too large for its place to be kept
        if (text.isEmpty()) {
            endEvent();
            return;
        }
        int colon = text.indexOf(':');
        String field = colon < 0 ? text : text.substring(0, colon);
        int value = colon < 0 ? text.length() : colon + (text.startsWith(" ", colon + 1) ? 2 : 1);
        if (field.equals("event")) {
            name = text.substring(value);
        } else if (field.equals("data")) {
            data = data == null ? text.substring(value) : data + "\n" + text.substring(value);
        }
    }

    private void endEvent() throws UpscaleException {
        String ended = name;
        String said = data;
        name = "";
        data = null;
        if (said != null) {
            handler.event(ended, said);
        }
    }
}
