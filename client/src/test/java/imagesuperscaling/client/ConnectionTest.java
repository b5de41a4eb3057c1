package imagesuperscaling.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import imagesuperscaling.client.TestServer.Answer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Missing and incomplete responses. */
class ConnectionTest {
    private static final String HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";

    @Test
    void nobodyListens() throws Exception {
        int port;
        try (ServerSocket gone = new ServerSocket(0)) {
            port = gone.getLocalPort();
        }
        UpscaleClient client = UpscaleClient.of("http://localhost:" + port);
        assertUnanswered(
                assertThrows(UpscaleException.class, client::ping),
                "no connection to http://localhost:" + port + "/ping: java.net.ConnectException");
    }

    @Test
    void aHostThatDoesNotExist() {
        assertUnanswered(
                assertThrows(UpscaleException.class, () -> UpscaleClient.of("http://nowhere.invalid").ping()),
                "no connection to http://nowhere.invalid/ping: java.net.ConnectException");
    }

    @Test
    void aConnectionThatIsNotTaken() throws Exception {
        List<Socket> waiting = new ArrayList<>();
        try (ServerSocket deaf = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            fill(deaf, waiting);
            UpscaleClient client = UpscaleClient.builder("http://127.0.0.1:" + deaf.getLocalPort())
                    .connectTimeout(Duration.ofMillis(300))
                    .build();
            assertUnanswered(
                    assertThrows(UpscaleException.class, client::ping),
                    "no connection to http://127.0.0.1:" + deaf.getLocalPort() + "/ping within 0.3 s");
        } finally {
            for (Socket socket : waiting) {
                socket.close();
            }
        }
    }

    /** Fills the backlog of a listening socket, so that the system accepts no more connections. */
    private static void fill(ServerSocket server, List<Socket> waiting) throws IOException {
        while (waiting.size() < 100) {
            Socket socket = new Socket();
            waiting.add(socket);
            try {
                socket.connect(server.getLocalSocketAddress(), 200);
            } catch (SocketTimeoutException full) {
                return;
            }
        }
        throw new AssertionError("the queue is never full");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "HTTP/1.1 200 OK\r\n", HEAD + "Content-Length: 99\r\n\r\n{\"imageBase64"})
    void aServerThatGoesSilentIsGivenUpAndHungUpOn(String beginning) throws Exception {
        try (RawServer server = new RawServer(beginning, true)) {
            UpscaleClient client = UpscaleClient.builder(server.url())
                    .requestTimeout(Duration.ofMillis(700))
                    .build();
            long start = System.nanoTime();
            UpscaleException failure = assertThrows(UpscaleException.class, () -> client.upscale(new byte[1]));
            assertTrue(System.nanoTime() - start >= 690_000_000L);
            assertUnanswered(failure, "no complete answer from " + server.url() + "/upscale within 0.7 s");
            server.left.get(10, TimeUnit.SECONDS);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {200, 500})
    void anAnswerThatDoesNotEndIsHungUpOn(int status) throws Exception {
        String head = "HTTP/1.1 " + status + " X\r\nContent-Type: text/plain\r\nContent-Length: 2000000000\r\n\r\n";
        try (RawServer server = new RawServer(head + "x".repeat(200_000), true)) {
            UpscaleClient client = UpscaleClient.builder(server.url())
                    .mostAnswerBytes(status == 200 ? 100_000 : 1_000_000)
                    .build();
            UpscaleException failure = assertThrows(UpscaleException.class, client::ping);
            assertEquals(status, failure.status(), failure::getMessage);
            server.left.get(10, TimeUnit.SECONDS);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "",
        "HTTP/1.1 20",
        "nonsense\r\n\r\n",
        HEAD,
        HEAD + "Content-Length: 99\r\n\r\n",
        HEAD + "Content-Length: 99\r\n\r\n{\"imageBase64\": \"AAAA\"}",
        HEAD + "Transfer-Encoding: chunked\r\n\r\n17\r\n{\"imageBase64\": \"AAAA\"}\r\n"
    })
    void aServerThatDiesWithinItsAnswer(String beginning) throws Exception {
        try (RawServer server = new RawServer(beginning, false)) {
            UpscaleClient client = UpscaleClient.of(server.url());
            assertUnanswered(
                    assertThrows(UpscaleException.class, () -> client.upscale(new byte[1])),
                    "no complete answer from " + server.url() + "/upscale: java.");
        }
    }

    @Test
    void anInterruptedThreadHangsUp() throws Exception {
        try (RawServer server = new RawServer(HEAD, true)) {
            CompletableFuture<Throwable> thrown = new CompletableFuture<>();
            Thread thread = pinging(UpscaleClient.of(server.url()), thrown);
            server.answered.await();
            thread.interrupt();
            assertInstanceOf(InterruptedException.class, thrown.get(10, TimeUnit.SECONDS));
            server.left.get(10, TimeUnit.SECONDS);
        }
    }

    @Test
    void anInterruptedThreadStopsWaitingForTheNextTry() throws Exception {
        try (TestServer server = new TestServer(Answer.of(429, "text/plain", "busy", "Retry-After", "50"))) {
            CompletableFuture<Throwable> thrown = new CompletableFuture<>();
            Thread thread = pinging(UpscaleClient.of(server.url()), thrown);
            server.asked.await();
            Threads.awaitSleep(thread);
            thread.interrupt();
            assertInstanceOf(InterruptedException.class, thrown.get(10, TimeUnit.SECONDS));
            assertEquals(1, server.requests.size());
        }
    }

    private static Thread pinging(UpscaleClient client, CompletableFuture<Throwable> thrown) {
        Thread thread = new Thread(() -> {
            try {
                client.ping();
                thrown.complete(null);
            } catch (Throwable failure) {
                thrown.complete(failure);
            }
        });
        thread.start();
        return thread;
    }

    private static void assertUnanswered(UpscaleException failure, String message) {
        assertTrue(failure.getMessage().startsWith(message), failure.getMessage());
        assertEquals(0, failure.status());
        assertEquals(Optional.empty(), failure.code());
        assertEquals(Optional.empty(), failure.retryAfter());
    }
}
