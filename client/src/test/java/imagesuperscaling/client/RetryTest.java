package imagesuperscaling.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import imagesuperscaling.client.TestServer.Answer;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RetryTest {
    private static final Answer PONG = Answer.json("{\"success\": true}");

    private static Answer busy(int status, String retryAfter) {
        return Answer.of(status, "text/plain", "busy", "Retry-After", retryAfter);
    }

    private static double secondsBetweenTries(TestServer server) {
        return secondsBefore(server, 1);
    }

    private static double secondsBefore(TestServer server, int retry) {
        return (server.requests.get(retry).nanoTime() - server.requests.get(retry - 1).nanoTime()) / 1e9;
    }

    @ParameterizedTest
    @ValueSource(ints = {429, 503})
    void aPassingFailureIsTriedAgainAfterTheSecondsAsked(int status) throws Exception {
        try (TestServer server = new TestServer(busy(status, "2"), PONG)) {
            assertTrue(UpscaleClient.of(server.url()).ping().success());
            assertEquals(2, server.requests.size());
            double seconds = secondsBetweenTries(server);
            assertTrue(seconds >= 1.99 && seconds < 5, seconds + " s");
        }
    }

    @Test
    void anUpscaleIsSentAgainAsAWhole() throws Exception {
        try (TestServer server = new TestServer(busy(429, "0"), Answer.of(200, "image/png", "larger"))) {
            UpscaleClient.builder(server.url()).build().upscale(new byte[] {1, 2, 3});
            assertEquals(3, server.requests.get(1).body().length);
        }
    }

    @Test
    void aDateIsWaitedFor() throws Exception {
        Instant date = Instant.now().plusSeconds(3);
        String text = DateTimeFormatter.RFC_1123_DATE_TIME.format(date.atZone(ZoneOffset.UTC));
        try (TestServer server = new TestServer(busy(503, text), PONG)) {
            UpscaleClient.of(server.url()).ping();
            double seconds = secondsBetweenTries(server);
            // Dates have no fractional seconds, so up to one second less.
            assertTrue(seconds >= 1.8 && seconds < 5, seconds + " s");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "soon", "-1"})
    void aSecondIsWaitedWhereNothingIsAsked(String retryAfter) throws Exception {
        try (TestServer server = new TestServer(busy(503, retryAfter), PONG)) {
            UpscaleClient.of(server.url()).ping();
            double seconds = secondsBetweenTries(server);
            assertTrue(seconds >= 0.99 && seconds < 4, seconds + " s");
        }
    }

    @Test
    void theNextWaitIsTwiceAsLong() throws Exception {
        try (TestServer server = new TestServer(busy(503, ""), busy(503, ""), PONG)) {
            UpscaleClient.of(server.url()).ping();
            double seconds = secondsBefore(server, 2);
            assertTrue(seconds >= 1.99 && seconds < 5, seconds + " s");
        }
    }

    @Test
    void whatIsNotAskedForIsBounded() throws Exception {
        try (TestServer server = new TestServer(busy(503, ""), PONG)) {
            UpscaleClient.builder(server.url()).longestWait(Duration.ofMillis(20)).build().ping();
            double seconds = secondsBetweenTries(server);
            assertTrue(seconds >= 0.019 && seconds < 0.9, seconds + " s");
        }
    }

    @Test
    void whoIsAskedToWaitTooLongGivesUpAtOnce() {
        try (TestServer server = new TestServer(busy(429, "11"), PONG)) {
            UpscaleClient client =
                    UpscaleClient.builder(server.url()).longestWait(Duration.ofSeconds(10)).build();
            UpscaleException failure = assertThrows(UpscaleException.class, client::ping);
            assertEquals(Optional.of(Duration.ofSeconds(11)), failure.retryAfter());
            assertEquals(1, server.requests.size());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 4})
    void theLastFailureIsThrown(int retries) {
        try (TestServer server = new TestServer(busy(429, "0"))) {
            UpscaleClient client = UpscaleClient.builder(server.url()).retries(retries).build();
            UpscaleException failure = assertThrows(UpscaleException.class, client::ping);
            assertEquals(429, failure.status());
            assertEquals(retries + 1, server.requests.size());
        }
    }

    @ParameterizedTest
    @CsvSource(nullValues = "-", value = {
        "0, PT0S",
        "120, PT2M",
        "' 7 ', PT7S",
        "'Tue, 1 Jul 2025 12:00:30 GMT', PT30S",
        "'Tue, 01 Jul 2025 12:00:30 GMT', PT30S",
        "'Tue, 01 Jul 2025 11:59:59 GMT', PT0S",
        "-, -",
        "-1, -",
        "1.5, -",
        "99999999999, -",
        "'Tue, 01 Jul 2025', -"
    })
    void retryAfterIsSecondsOrADate(String value, Duration expected) {
        Instant now = Instant.parse("2025-07-01T12:00:00Z");
        assertEquals(Optional.ofNullable(expected), RetryAfter.parse(value == null ? "" : value, now));
    }
}
