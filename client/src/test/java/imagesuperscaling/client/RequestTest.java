package imagesuperscaling.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import imagesuperscaling.client.TestServer.Answer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The requests of the client. {@link WireExamplesTest} tests their JSON. */
class RequestTest {
    private static final Answer PONG = Answer.json("{\"success\": true}");
    private static final Answer PICTURE = Answer.of(200, "image/png", "larger");
    private static final byte[] IMAGE = {-1, 0, 1, '+', '/'};

    @ParameterizedTest
    @CsvSource({"'', /ping", "/, /ping", "/a/b, /a/b/ping", "/a/b/, /a/b/ping", "/a%20b/, /a%20b/ping", "///, /ping"})
    void aBaseUrlMayHaveAPathAndASlash(String path, String expected) throws Exception {
        try (TestServer server = new TestServer(PONG)) {
            assertTrue(UpscaleClient.of(server.url() + path).ping().success());
            assertEquals(expected, server.only().uri());
            assertEquals("GET", server.only().method());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "", "localhost", "localhost:7777", "/path", "ftp://host", "http:///", "http://h?x=1", "http://h#f",
        "http://u:p@h", "ht tp://h"
    })
    void anythingElseIsNoBaseUrl(String url) {
        assertThrows(IllegalArgumentException.class, () -> UpscaleClient.of(url));
    }

    @ParameterizedTest
    @CsvSource(nullValues = "-", value = {
        "-, -, -, /upscale",
        "WEBP, -, -, /upscale?format=webp",
        "-, 80, -, /upscale?quality=80",
        "-, -, STRIP, /upscale?metadata=strip",
        "JPEG, 1, COLOUR, /upscale?format=jpeg&quality=1&metadata=colour"
    })
    void plainBytesHaveTheirOptionsInTheQuery(
            ImageFormat format, Integer quality, MetadataChoice metadata, String uri) throws Exception {
        try (TestServer server = new TestServer(PICTURE)) {
            UpscaleClient client = UpscaleClient.of(server.url());
            client.upscale(UpscaleInput.fromBytes(IMAGE).with(new UpscaleOptions(format, quality, metadata)));
            assertEquals(uri, server.only().uri());
            assertEquals("POST", server.only().method());
            assertEquals("application/octet-stream", server.only().headers().getFirst("Content-Type"));
            assertArrayEquals(IMAGE, server.only().body());
        }
    }

    @ParameterizedTest
    @CsvSource(nullValues = "-", value = {
        "3, -, -, -, -, -, scale=3",
        "1.5, -, -, -, 4x-Ultra Sharp+, -, scale=1.5&model=4x-Ultra+Sharp%2B",
        "-, 2000, -, -, -, 1, width=2000&strength=1",
        "-, -, 1, INSIDE, -, -, height=1&fit=inside",
        "-, -, -, -, sharp, 0, model=sharp&strength=0",
        "-, -, -, -, sharp, 0.0000011, model=sharp&strength=0.000001",
        "-, 800, 600, COVER, ä/&, -, width=800&height=600&fit=cover&model=%C3%A4%2F%26"
    })
    void sizeAndModelAreInTheQuery(
            Double scale, Integer width, Integer height, Fit fit, String model, Double strength, String query)
            throws Exception {
        try (TestServer server = new TestServer(PICTURE)) {
            UpscaleClient client = UpscaleClient.of(server.url());
            UpscaleOptions options = new UpscaleOptions(null, null, null, scale, width, height, fit, model, strength);
            client.upscale(UpscaleInput.fromBytes(IMAGE).with(options));
            assertEquals("/upscale?" + query, server.only().uri());
        }
    }

    @Test
    void sizeAndModelAreMembersOfJson() throws Exception {
        try (TestServer server = new TestServer(Answer.json("{\"imageBase64\": \"AAAA\"}"))) {
            UpscaleClient client = UpscaleClient.builder(server.url()).wire(Wire.JSON).build();
            UpscaleInput input = UpscaleInput.fromBytes(IMAGE);
            client.upscale(input.with(UpscaleOptions.builder().scale(3).model("a \"b\"").strength(0.5).build()));
            client.upscale(input.with(UpscaleOptions.builder().width(9).height(8).fit(Fit.FILL).build()));
            assertEquals(
                    "{\"imageBase64\":\"/wABKy8=\",\"scale\":3,\"model\":\"a \\\"b\\\"\",\"strength\":0.5}",
                    new String(server.requests.get(0).body(), StandardCharsets.UTF_8));
            assertEquals(
                    "{\"imageBase64\":\"/wABKy8=\",\"width\":9,\"height\":8,\"fit\":\"fill\"}",
                    new String(server.requests.get(1).body(), StandardCharsets.UTF_8));
        }
    }

    @Test
    void jsonIsStandardBase64WithItsPadding() throws Exception {
        try (TestServer server = new TestServer(Answer.json("{\"imageBase64\": \"AAAA\"}"))) {
            UpscaleClient.builder(server.url()).wire(Wire.JSON).build().upscale(IMAGE);
            assertEquals("{\"imageBase64\":\"/wABKy8=\"}", new String(server.only().body(), StandardCharsets.UTF_8));
            assertEquals("application/json", server.only().headers().getFirst("Content-Type"));
            assertEquals("/upscale", server.only().uri());
        }
    }

    @Test
    void jsonHasItsOptionsAsMembers() throws Exception {
        try (TestServer server = new TestServer(Answer.json("{\"imageBase64\": \"AAAA\"}"))) {
            UpscaleOptions options = new UpscaleOptions(ImageFormat.PNG, 9, MetadataChoice.KEEP);
            UpscaleClient.builder(server.url()).wire(Wire.JSON).build().upscale(UpscaleInput.fromBytes(IMAGE).with(options));
            assertEquals(
                    "{\"imageBase64\":\"/wABKy8=\",\"format\":\"png\",\"quality\":9,\"metadata\":\"keep\"}",
                    new String(server.only().body(), StandardCharsets.UTF_8));
        }
    }

    @Test
    void http11IsSpokenAndNoUpgradeAskedFor() throws Exception {
        try (TestServer server = new TestServer(PONG)) {
            UpscaleClient.of(server.url()).ping();
            assertEquals("HTTP/1.1", server.only().protocol());
            assertFalse(server.only().headers().containsKey("Upgrade"));
            assertFalse(server.only().headers().containsKey("HTTP2-Settings"));
        }
    }

    @Test
    void aFileIsSentAsItIs(@TempDir Path folder) throws Exception {
        Path file = Files.write(folder.resolve("in.png"), IMAGE);
        try (TestServer server = new TestServer(PICTURE)) {
            UpscaleClient client = UpscaleClient.of(server.url());
            assertArrayEquals("larger".getBytes(StandardCharsets.UTF_8), client.upscale(file).image());
            assertArrayEquals(IMAGE, server.only().body());
            assertThrows(NoSuchFileException.class, () -> client.upscale(folder.resolve("none.png")));
        }
    }

    @Test
    void settingsOutOfRangeAreRefused() {
        UpscaleClientBuilder builder = UpscaleClient.builder("http://localhost");
        assertThrows(IllegalArgumentException.class, () -> builder.retries(-1));
        assertThrows(IllegalArgumentException.class, () -> builder.connectTimeout(Duration.ZERO));
        assertThrows(IllegalArgumentException.class, () -> builder.requestTimeout(Duration.ofNanos(1)));
        assertThrows(IllegalArgumentException.class, () -> builder.longestWait(Duration.ofSeconds(-1)));
        assertThrows(IllegalArgumentException.class, () -> builder.mostAnswerBytes(0));
        assertThrows(IllegalArgumentException.class, () -> new UpscaleOptions(null, 0));
        assertThrows(IllegalArgumentException.class, () -> new UpscaleOptions(null, 101));
    }
}
