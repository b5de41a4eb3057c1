package imagesuperscaling.client;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;

/** Answers one request with fixed bytes, then closes the connection or goes silent. */
final class RawServer implements AutoCloseable {
    final CountDownLatch answered = new CountDownLatch(1);
    /** Completes when the client has closed the connection. */
    final CompletableFuture<Void> left = new CompletableFuture<>();

    private final ServerSocket listening;

    /** {@code silent}: keep the connection open after the answer. */
    RawServer(String answer, boolean silent) throws IOException {
        listening = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
        Thread thread = new Thread(() -> serve(answer, silent));
        thread.setDaemon(true);
        thread.start();
    }

    String url() {
        return "http://localhost:" + listening.getLocalPort();
    }

    private void serve(String answer, boolean silent) {
        try (Socket socket = listening.accept()) {
            InputStream in = socket.getInputStream();
            StringBuilder head = new StringBuilder();
            while (head.indexOf("\r\n\r\n") < 0) {
                head.append((char) in.read());
            }
            // Closing a socket with unread data sends a reset and discards the answer.
            String length = head.toString().replaceFirst("(?is).*content-length: (\\d+).*", "$1");
            in.readNBytes(length.matches("\\d+") ? Integer.parseInt(length) : 0);
            socket.getOutputStream().write(answer.getBytes(StandardCharsets.ISO_8859_1));
            answered.countDown();
            while (silent && in.read() >= 0) {
                // Not part of the request; ignored.
            }
            left.complete(null);
        } catch (IOException reset) {
            left.complete(null);
        }
    }

    @Override
    public void close() throws IOException {
        listening.close();
    }
}
