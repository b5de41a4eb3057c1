package imagesuperscaling.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import imagesuperscaling.client.TestServer.Answer;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How the client handles responses. */
class AnswerTest {
    private static final byte[] IMAGE = {1, 2, 3};

    @Test
    void aPictureInJsonHasItsBytesAndNotes() throws Exception {
        String json = "{\"imageBase64\": \"/wAB\", \"later\": [1]}";
        Answer answer = Answer.json(json, "X-Upscaler-Notes", "16 bits became 8");
        try (TestServer server = new TestServer(answer)) {
            UpscaleOutput output = json(server).upscale(IMAGE);
            assertEquals(new UpscaleOutput(new byte[] {-1, 0, 1}, "16 bits became 8"), output);
        }
    }

    @Test
    void aPictureInBytesIsTheBody() throws Exception {
        try (TestServer server = new TestServer(Answer.of(200, "image/gif", "GIF"))) {
            UpscaleOutput output =
                    UpscaleClient.of(server.url()).upscale(IMAGE);
            assertEquals(new UpscaleOutput(new byte[] {'G', 'I', 'F'}, ""), output);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "400, malformed_message, 1",
        "401, unauthorized, 1",
        "404, not_found, 1",
        "405, method_not_allowed, 1",
        "406, not_acceptable, 1",
        "407, proxy_authentication_required, 1",
        "408, body_timeout, 1",
        "413, body_too_large, 1",
        "415, unsupported_image_format, 1",
        "422, image_corrupt, 1",
        "429, too_many_requests, 3",
        "500, internal_error, 1",
        "502, bad_gateway, 1",
        "503, engine_failed, 3",
        "504, deadline_passed, 1"
    })
    void everyProblemIsTheOneException(int status, String code, int tries) {
        String problem = "{\"status\": %d, \"detail\": \"the reason\", \"code\": \"%s\", \"requestId\": \"r1\"}";
        Answer answer = Answer.of(
                status,
                "application/problem+json",
                problem.formatted(status, code),
                "Retry-After",
                "0",
                "X-Request-ID",
                "r2");
        try (TestServer server = new TestServer(answer)) {
            UpscaleClient client = UpscaleClient.builder(server.url()).retries(2).build();
            UpscaleException failure = assertThrows(UpscaleException.class, () -> client.upscale(IMAGE));
            assertEquals(status, failure.status());
            assertEquals(Optional.of(code), failure.code());
            assertEquals("the reason", failure.detail());
            assertEquals(Optional.of("r1"), failure.requestId());
            assertEquals(Optional.of(Duration.ZERO), failure.retryAfter());
            assertEquals("HTTP " + status + " " + code + ": the reason (request r1)", failure.getMessage());
            assertEquals(tries, server.requests.size());
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "502 | text/html | <html><title>502 Bad Gateway</title> <p>nginx</p> | (text/html): 502 Bad Gateway nginx",
        "500 | text/plain | '' | (text/plain): empty",
        "400 | '' | '' | (no Content-Type): empty",
        "422 | application/problem+json | '{\"code\": \"ima' | (application/problem+json): {\"code\": \"ima",
        "500 | application/json | [1] | (application/json): [1]",
        "500 | application/json | {\"error\": 7} | (application/json): {\"error\": 7}",
        "301 | text/plain | moved | (text/plain): moved",
        "204 | '' | '' | (no Content-Type): empty",
        "401 | text/plain | who? | (text/plain): who?",
        "407 | text/plain | who? | (text/plain): who?"
    })
    void whatIsNoProblemDocumentIsQuoted(int status, String type, String body, String quoted) {
        try (TestServer server = new TestServer(Answer.of(status, type, body, "X-Request-ID", "r2"))) {
            UpscaleException failure =
                    assertThrows(UpscaleException.class, () -> UpscaleClient.of(server.url()).upscale(IMAGE));
            assertEquals("not the service's own answer " + quoted, failure.detail());
            assertEquals(status, failure.status());
            assertEquals(Optional.empty(), failure.code());
            assertEquals(Optional.of("r2"), failure.requestId());
            assertEquals(Optional.empty(), failure.retryAfter());
        }
    }

    @Test
    void aLongPageIsQuotedInPart() {
        try (TestServer server = new TestServer(Answer.of(500, "text/plain", "x".repeat(1 << 20)))) {
            UpscaleException failure =
                    assertThrows(UpscaleException.class, () -> UpscaleClient.of(server.url()).upscale(IMAGE));
            assertEquals(500, failure.status());
            assertTrue(failure.getMessage().length() < 300, failure.getMessage());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "",
        "<html>",
        "null",
        "[]",
        "\"text\"",
        "{}",
        "{\"imageBase64\": null}",
        "{\"imageBase64\": 1234}",
        "{\"imageBase64\": \"\"}",
        "{\"imageBase64\": \"A\"}",
        "{\"imageBase64\": \"AA*A\"}",
        "{\"imageBase64\": \"AAAA",
        "{\"imageBase64\": \"AAAA\"",
        "{\"imageBase64\": \"AAAA\"} more",
        "{'imageBase64': 'AAAA'}"
    })
    void aMalformedPictureIsTheOneException(String body) {
        try (TestServer server = new TestServer(Answer.json(body, "X-Request-ID", "r2"))) {
            UpscaleException failure =
                    assertThrows(UpscaleException.class, () -> json(server).upscale(IMAGE));
            assertMalformed(failure, server);
        }
    }

    @ParameterizedTest
    @CsvSource({"image/png, ''", "text/html, <p>welcome", "'', x"})
    void aMalformedPictureInBytesIsTheOneException(String type, String body) {
        try (TestServer server = new TestServer(Answer.of(200, type, body, "X-Request-ID", "r2"))) {
            UpscaleClient client = UpscaleClient.of(server.url());
            assertMalformed(assertThrows(UpscaleException.class, () -> client.upscale(IMAGE)), server);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "pong", "{}", "{\"success\": \"true\"}", "{\"success\": null}", "[true]"})
    void aMalformedPingIsTheOneException(String body) {
        try (TestServer server = new TestServer(Answer.json(body, "X-Request-ID", "r2"))) {
            UpscaleException failure =
                    assertThrows(UpscaleException.class, () -> UpscaleClient.of(server.url()).ping());
            assertMalformed(failure, server);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "",
        "models",
        "{}",
        "[1]",
        "[null]",
        "[{}]",
        "[{\"name\": 1, \"default\": true, \"scale\": 2}]",
        "[{\"name\": \"a\", \"default\": \"true\", \"scale\": 2}]",
        "[{\"name\": \"a\", \"default\": true, \"scale\": \"2\"}]",
        "[{\"name\": \"a\", \"default\": true, \"scale\": 2, \"kind\": null}]"
    })
    void aMalformedListOfModelsIsTheOneException(String body) {
        try (TestServer server = new TestServer(Answer.json(body, "X-Request-ID", "r2"))) {
            UpscaleException failure =
                    assertThrows(UpscaleException.class, () -> UpscaleClient.of(server.url()).models());
            assertMalformed(failure, server);
        }
    }

    @Test
    void aListOfModelsNestedEndlesslyIsTheOneException() {
        try (TestServer server = new TestServer(Answer.json("[".repeat(100_000), "X-Request-ID", "r2"))) {
            UpscaleException failure =
                    assertThrows(UpscaleException.class, () -> UpscaleClient.of(server.url()).models());
            assertMalformed(failure, server);
        }
    }

    @ParameterizedTest
    @EnumSource(Wire.class)
    void anAnswerIsBounded(Wire wire) throws Exception {
        String type = wire == Wire.JSON ? "application/json" : "image/png";
        String body = "{\"imageBase64\": \"" + "A".repeat(100_000) + "\"}";
        try (TestServer server = new TestServer(Answer.of(200, type, body, "X-Request-ID", "r2"))) {
            UpscaleClientBuilder builder = UpscaleClient.builder(server.url()).wire(wire);
            UpscaleClient exact = builder.mostAnswerBytes(body.length()).build();
            assertTrue(exact.upscale(IMAGE).image().length >= 75_000);
            UpscaleClient small = builder.mostAnswerBytes(body.length() - 1).build();
            UpscaleException failure = assertThrows(UpscaleException.class, () -> small.upscale(IMAGE));
            assertEquals(200, failure.status());
            assertTrue(failure.detail().endsWith("more than " + (body.length() - 1) + " bytes"), failure.detail());
        }
    }

    private static UpscaleClient json(TestServer server) {
        return UpscaleClient.builder(server.url()).wire(Wire.JSON).build();
    }

    private static void assertMalformed(UpscaleException failure, TestServer server) {
        assertEquals(200, failure.status());
        assertEquals(Optional.empty(), failure.code());
        assertEquals(Optional.of("r2"), failure.requestId());
        assertTrue(failure.detail().matches("the service's answer is malformed: \\S.*"), failure.detail());
        assertEquals(1, server.requests.size());
    }
}
