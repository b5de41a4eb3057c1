package imagesuperscaling.client;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;

/** An HTTP server in this process with scripted answers. The last answer repeats. */
public final class TestServer implements AutoCloseable {
    /** A received request, and when it arrived. */
    public record Request(String method, String uri, String protocol, Headers headers, byte[] body, long nanoTime) {}

    /** A scripted answer. {@code missing}: bytes of the body that it announces and does not send. */
    public record Answer(int status, Map<String, String> headers, byte[] body, int missing) {
        public Answer(int status, Map<String, String> headers, byte[] body) {
            this(status, headers, body, 0);
        }

        /** The same with the connection closed before its end. */
        public Answer cut(int bytes) {
            return new Answer(status, headers, java.util.Arrays.copyOf(body, body.length - bytes), bytes);
        }

        public static Answer of(int status, String type, String body, String... headers) {
            Map<String, String> all = new java.util.HashMap<>(Map.of("Content-Type", type));
            for (int i = 0; i < headers.length; i += 2) {
                all.put(headers[i], headers[i + 1]);
            }
            return new Answer(status, all, body.getBytes(StandardCharsets.UTF_8));
        }

        public static Answer json(String body, String... headers) {
            return of(200, "application/json", body, headers);
        }
    }

    public final List<Request> requests = Collections.synchronizedList(new ArrayList<>());
    public final CountDownLatch asked = new CountDownLatch(1);
    private final HttpServer server;
    private final ConcurrentLinkedQueue<Answer> answers;

    public TestServer(Answer... answers) {
        this.answers = new ConcurrentLinkedQueue<>(List.of(answers));
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        server.createContext("/", this::handle);
        server.start();
    }

    public String url() {
        return "http://localhost:" + server.getAddress().getPort();
    }

    public Request only() {
        if (requests.size() != 1) {
            throw new AssertionError(requests.size() + " requests arrived");
        }
        return requests.get(0);
    }

    private void handle(HttpExchange exchange) throws IOException {
        requests.add(new Request(
                exchange.getRequestMethod(),
                exchange.getRequestURI().toString(),
                exchange.getProtocol(),
                exchange.getRequestHeaders(),
                exchange.getRequestBody().readAllBytes(),
                System.nanoTime()));
        asked.countDown();
        Answer answer = answers.size() > 1 ? answers.remove() : answers.element();
        answer.headers().forEach((name, value) -> {
            if (!value.isEmpty()) {
                exchange.getResponseHeaders().set(name, value);
            }
        });
        int length = answer.body().length + answer.missing();
        exchange.sendResponseHeaders(answer.status(), length == 0 ? -1 : length);
        exchange.getResponseBody().write(answer.body());
        if (answer.missing() > 0) {
            exchange.getResponseBody().flush();
        }
        exchange.close();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
