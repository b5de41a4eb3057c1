package imagesuperscaling.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import imagesuperscaling.client.TestServer.Answer;
import imagesuperscaling.client.TestServer.Request;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ApiKeyTest {
    private static final String KEY = "us_4711.abc~-+/=";
    private static final String ID = "01jdj0000000000000000000ab";
    private static final String JOB =
            "{\"id\": \"" + ID + "\", \"status\": \"done\", \"done\": 1, \"total\": 1, \"result\": \"/jobs/" + ID + "/result\"}";

    private static Answer problem(int status, String code, String... headers) {
        return Answer.of(
                status,
                "application/problem+json",
                "{\"status\": " + status + ", \"code\": \"" + code + "\", \"detail\": \"no\"}",
                headers);
    }

    private static UpscaleClient client(TestServer server) {
        return UpscaleClient.builder(server.url()).apiKey(KEY).retries(0).build();
    }

    @Test
    void everyRequestHasIt(@TempDir Path folder) throws Exception {
        Answer answer = Answer.of(200, "image/png", "larger");
        Answer job = Answer.json(JOB);
        try (TestServer server =
                new TestServer(Answer.json("{\"success\": true}"), Answer.json("[]"), answer, job, job, answer, job)) {
            UpscaleClient client =
                    UpscaleClient.builder(server.url()).apiKey(KEY).build();
            client.ping();
            client.models();
            client.upscale(new byte[] {1});
            JobsClient jobs = client.jobs();
            Job done = jobs.submit(JobInput.fromBytes(new byte[] {1}));
            jobs.await(done);
            jobs.download(done, folder.resolve("out.png"));
            jobs.cancel(done);
            assertEquals(7, server.requests.size());
            for (Request request : server.requests) {
                assertEquals("Bearer " + KEY, request.headers().getFirst("Authorization"), request.uri());
            }
        }
    }

    @Test
    void withoutOneNoneIsSent() throws Exception {
        try (TestServer server = new TestServer(Answer.json("{\"success\": true}"))) {
            UpscaleClient.of(server.url()).ping();
            assertNull(server.only().headers().getFirst("Authorization"));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {301, 302, 303, 307, 308})
    void noRedirectTakesItElsewhere(int status) {
        try (TestServer elsewhere = new TestServer(Answer.json("{\"success\": true}"));
                TestServer server =
                        new TestServer(Answer.of(status, "text/plain", "", "Location", elsewhere.url() + "/ping"))) {
            UpscaleException failure =
                    assertThrows(UpscaleException.class, () -> client(server).ping());
            assertEquals(status, failure.status());
            assertTrue(elsewhere.requests.isEmpty());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "secret key", "secret\n", "secret\r\nX-Forged: 1", "secrét"})
    void otherTextsAreNone(String key) {
        UpscaleClientBuilder builder = UpscaleClient.builder("http://localhost:7777");
        String said = assertThrows(IllegalArgumentException.class, () -> builder.apiKey(key))
                .getMessage();
        assertFalse(said.contains("secr"), said);
    }

    @Test
    void itIsShownNowhere() throws Exception {
        try (TestServer server = new TestServer(problem(401, "unauthorized"))) {
            UpscaleClientBuilder builder = UpscaleClient.builder(server.url()).apiKey(KEY);
            UpscaleClient client = builder.build();
            UpscaleException.Unauthorized failure =
                    assertThrows(UpscaleException.Unauthorized.class, () -> client.upscale(new byte[] {1}));
            assertEquals(1, server.requests.size()); // nothing is tried again
            for (Object each : new Object[] {builder, client, client.jobs(), failure}) {
                assertFalse(each.toString().contains(KEY));
            }
        }
    }

    @Test
    void refusalsHaveClasses() {
        try (TestServer server = new TestServer(
                problem(401, "unauthorized"),
                problem(403, "owner_missing"),
                problem(429, "rate_exceeded", "Retry-After", "61"),
                problem(429, "queue_full", "Retry-After", "5"))) {
            UpscaleClient client = client(server);
            assertThrows(UpscaleException.Unauthorized.class, client::ping);
            assertThrows(UpscaleException.Forbidden.class, client::ping);
            UpscaleException.Busy limited = assertThrows(UpscaleException.RateExceeded.class, client::ping);
            assertEquals(Optional.of(Duration.ofSeconds(61)), limited.retryAfter());
            assertEquals(
                    UpscaleException.Busy.class,
                    assertThrows(UpscaleException.Busy.class, client::ping).getClass());
        }
    }

    @Test
    void aRateLimitIsWaitedFor() throws Exception {
        try (TestServer server = new TestServer(
                problem(429, "rate_exceeded", "Retry-After", "1"), Answer.json("{\"success\": true}"))) {
            assertTrue(UpscaleClient.builder(server.url()).apiKey(KEY).build().ping().success());
            double seconds = (server.requests.get(1).nanoTime() - server.requests.get(0).nanoTime()) / 1e9;
            assertTrue(seconds >= 0.99, seconds + " s");
        }
    }
}
