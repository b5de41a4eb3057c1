package imagesuperscaling.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import imagesuperscaling.client.TestServer.Answer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Streams: what is sent, and what becomes of events. */
class StreamTest {
    private static final UpscaleInput INPUT = UpscaleInput.fromBytes(new byte[] {1, 2, 3});
    private static final String ACCEPTED = event(
            "accepted",
            "{'requestId': 'r1', 'format': 'png', 'mediaType': 'image/png', 'width': 4, 'height': 2, 'frames': 1,"
                    + " 'tiles': 2, 'seconds': 1.5, 'ahead': 3, 'later': {}}");
    private static final String PREVIEW =
            event("preview", "{'imageBase64': 'cA==', 'mediaType': 'image/jpeg', 'width': 4, 'height': 2}");
    private static final String TILE = event(
            "tile",
            "{'imageBase64': 'dA==', 'mediaType': 'image/jpeg', 'frame': 0, 'left': 1, 'top': 2, 'width': 3, 'height': 4}");
    private static final String PROGRESS = event("progress", "{'done': 1, 'total': 2, 'secondsLeft': 0.25}");
    private static final String NOTES = event("notes", "{'notes': ['16 bits became 8', 'no XMP']}");
    private static final String RESULT = event("result", "{'imageBase64': 'bGFyZ2Vy'}");
    private static final String HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

    private static String event(String name, String data) {
        return "event: " + name + "\ndata: " + data.replace('\'', '"') + "\n\n";
    }

    private static Answer stream(String events) {
        return Answer.of(200, "text/event-stream; charset=utf-8", events);
    }

    /** Keeps what it hears. */
    private static final class Ear implements UpscaleListener {
        final List<Object> heard = new ArrayList<>();

        @Override
        public void progress(Progress progress) {
            heard.add(progress);
        }

        @Override
        public void accepted(Accepted accepted) {
            heard.add(accepted);
        }

        @Override
        public void preview(Preview preview) {
            heard.add(preview);
        }

        @Override
        public void tile(Tile tile) {
            heard.add(tile);
        }

        @Override
        public boolean wantsTiles() {
            return true;
        }
    }

    @Test
    void aListenerHearsAllThatHappens() throws Exception {
        String later = event("later", "[1]");
        String all = ": hello\n\n" + ACCEPTED + PREVIEW + later + TILE + PROGRESS + ": still working\n\n" + NOTES + RESULT;
        Ear ear = new Ear();
        try (TestServer server = new TestServer(stream(all))) {
            UpscaleOutput output = UpscaleClient.of(server.url()).upscale(INPUT, ear);
            assertEquals(new UpscaleOutput("larger".getBytes(StandardCharsets.UTF_8), "16 bits became 8; no XMP"), output);
        }
        assertEquals(4, ear.heard.size());
        assertEquals(
                new UpscaleListener.Accepted("r1", "image/png", 4, 2, 1, 2, Duration.ofMillis(1500), 3),
                ear.heard.get(0));
        UpscaleListener.Preview preview = assertInstanceOf(UpscaleListener.Preview.class, ear.heard.get(1));
        assertArrayEquals(new byte[] {'p'}, preview.image());
        assertEquals("image/jpeg 4 2", preview.mediaType() + " " + preview.width() + " " + preview.height());
        UpscaleListener.Tile tile = assertInstanceOf(UpscaleListener.Tile.class, ear.heard.get(2));
        assertArrayEquals(new byte[] {'t'}, tile.image());
        assertEquals(List.of(0, 1, 2, 3, 4), List.of(tile.frame(), tile.left(), tile.top(), tile.width(), tile.height()));
        assertEquals(new UpscaleListener.Progress(1, 2, Duration.ofMillis(250)), ear.heard.get(3));
    }

    @ParameterizedTest
    @EnumSource(Wire.class)
    void theBodyIsThatOfAPlainRequest(Wire wire) throws Exception {
        UpscaleInput input = INPUT.with(UpscaleOptions.builder().scale(3).build());
        try (TestServer server = new TestServer(stream(RESULT))) {
            UpscaleClient client =
                    UpscaleClient.builder(server.url()).wire(wire).apiKey("k").build();
            client.upscale(input, progress -> {});
            client.upscale(input, new Ear());
            for (TestServer.Request request : server.requests) {
                assertEquals(List.of("text/event-stream"), request.headers().get("Accept"));
                assertEquals("Bearer k", request.headers().getFirst("Authorization"));
            }
            TestServer.Request with = server.requests.get(1);
            if (wire == Wire.BYTES) {
                assertEquals("/upscale?scale=3", server.requests.get(0).uri());
                assertEquals("/upscale?scale=3&tiles=true", with.uri());
                assertArrayEquals(INPUT.image(), with.body());
            } else {
                assertEquals(
                        "{\"imageBase64\":\"AQID\",\"scale\":3,\"tiles\":true}",
                        new String(with.body(), StandardCharsets.UTF_8));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"422, image_corrupt, 1", "500, internal_error, 1", "429, queue_full, 3", "503, engine_failed, 3", "504, deadline_passed, 1"})
    void aFailureIsTheOneException(int status, String code, int tries) {
        String problem = "{'status': %d, 'detail': 'the reason', 'code': '%s', 'requestId': 'r1'}".formatted(status, code);
        Answer plain = Answer.of(
                status, "application/problem+json", problem.replace('\'', '"'), "Retry-After", "0");
        for (Answer answer : List.of(plain, stream(ACCEPTED + event("problem", problem)))) {
            try (TestServer server = new TestServer(answer)) {
                UpscaleClient client = UpscaleClient.builder(server.url())
                        .retries(2)
                        .longestWait(Duration.ofMillis(1))
                        .build();
                UpscaleException failure =
                        assertThrows(UpscaleException.class, () -> client.upscale(INPUT, progress -> {}));
                assertEquals("HTTP " + status + " " + code + ": the reason (request r1)", failure.getMessage());
                assertEquals(tries, server.requests.size());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "event: accepted\ndata: {}\n\n",
        "event: accepted\ndata: [1]\n\n",
        "event: progress\ndata: {\"done\": 1, \"total\": \"2\", \"secondsLeft\": 1}\n\n",
        "event: progress\ndata: {\"done\": 1\n\n",
        "event: preview\ndata: {\"imageBase64\": \"*\", \"mediaType\": \"image/png\", \"width\": 1, \"height\": 1}\n\n",
        "event: tile\ndata: {\"imageBase64\": \"AAAA\"}\n\n",
        "event: notes\ndata: {\"notes\": \"none\"}\n\n",
        "event: notes\ndata: {\"notes\": [1]}\n\n",
        "event: result\ndata: {\"imageBase64\": \"\"}\n\n",
        "event: result\ndata: {\"imageBase64\": 1}\n\n",
        "event: result\ndata: no JSON\n\n",
        "event: problem\ndata: 7\n\n"
    })
    void aMalformedEventIsTheOneException(String event) {
        try (TestServer server = new TestServer(stream(ACCEPTED + event + RESULT))) {
            UpscaleException failure = assertThrows(
                    UpscaleException.class, () -> UpscaleClient.of(server.url()).upscale(INPUT, new Ear()));
            assertEquals(200, failure.status(), failure::getMessage);
            assertEquals(Optional.of("r1"), failure.requestId());
            assertTrue(failure.detail().startsWith("the service's answer is malformed: "), failure::detail);
            assertEquals(1, server.requests.size());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "image/png, larger, 200, 'malformed: its Content-Type is image/png, not text/event-stream'",
        "text/event-stream, '', 0, it ended before the result",
        "text/event-stream, 'event: result\ndata: {}', 0, it ended before the result"
    })
    void whatIsNoWholeStreamIsTheOneException(String type, String body, int status, String said) {
        try (TestServer server = new TestServer(Answer.of(200, type, body))) {
            UpscaleException failure = assertThrows(
                    UpscaleException.class, () -> UpscaleClient.of(server.url()).upscale(INPUT, progress -> {}));
            assertEquals(status, failure.status());
            assertTrue(failure.getMessage().contains(said), failure::getMessage);
        }
    }

    @Test
    void anEventIsBounded() throws Exception {
        String result = event("result", "{'imageBase64': '" + "A".repeat(100_000) + "'}");
        try (TestServer server = new TestServer(stream(result))) {
            UpscaleClientBuilder builder = UpscaleClient.builder(server.url());
            UpscaleClient enough = builder.mostAnswerBytes(101_000).build();
            assertEquals(75_000, enough.upscale(INPUT, progress -> {}).image().length);
            UpscaleClient small = builder.mostAnswerBytes(100_000).build();
            UpscaleException failure =
                    assertThrows(UpscaleException.class, () -> small.upscale(INPUT, progress -> {}));
            assertTrue(failure.detail().endsWith("an event has more than 100000 bytes"), failure::detail);
        }
    }

    @Test
    void aResultIsTheResultWhateverBecomesOfTheConnection() throws Exception {
        for (boolean silent : new boolean[] {true, false}) {
            String cut = HEAD.replace("\r\n\r\n", "\r\nContent-Length: 9999\r\n\r\n") + RESULT;
            try (RawServer server = new RawServer(cut, silent)) {
                UpscaleOutput output = UpscaleClient.of(server.url()).upscale(INPUT, progress -> {});
                assertEquals("larger", new String(output.image(), StandardCharsets.UTF_8));
            }
        }
    }

    @Test
    void aSilentServiceIsGivenUpAndHungUpOn() throws Exception {
        try (RawServer server = new RawServer(HEAD + ACCEPTED + PROGRESS, true)) {
            UpscaleClient client = UpscaleClient.builder(server.url())
                    .requestTimeout(Duration.ofMillis(700))
                    .build();
            Ear ear = new Ear();
            UpscaleException failure = assertThrows(UpscaleException.class, () -> client.upscale(INPUT, ear));
            assertEquals("nothing from " + server.url() + "/upscale?tiles=true for 0.7 s", failure.getMessage());
            assertEquals(2, ear.heard.size());
            server.left.get(10, TimeUnit.SECONDS);
        }
    }

    @Test
    void aListenerThatThrowsHangsUp() throws Exception {
        IllegalArgumentException enough = new IllegalArgumentException("enough");
        try (RawServer server = new RawServer(HEAD + PROGRESS, true)) {
            UpscaleClient client = UpscaleClient.of(server.url());
            assertSame(enough, assertThrows(IllegalArgumentException.class, () -> client.upscale(INPUT, progress -> {
                throw enough;
            })));
            server.left.get(10, TimeUnit.SECONDS);
        }
    }

    @Test
    void anInterruptedThreadHangsUp() throws Exception {
        try (RawServer server = new RawServer(HEAD + PROGRESS, true)) {
            CompletableFuture<Throwable> thrown = new CompletableFuture<>();
            CompletableFuture<Void> heard = new CompletableFuture<>();
            Thread thread = new Thread(() -> {
                try {
                    UpscaleClient.of(server.url()).upscale(INPUT, progress -> heard.complete(null));
                    thrown.complete(null);
                } catch (Throwable failure) {
                    thrown.complete(failure);
                }
            });
            thread.start();
            heard.get(10, TimeUnit.SECONDS);
            thread.interrupt();
            assertInstanceOf(InterruptedException.class, thrown.get(10, TimeUnit.SECONDS));
            server.left.get(10, TimeUnit.SECONDS);
        }
    }
}
