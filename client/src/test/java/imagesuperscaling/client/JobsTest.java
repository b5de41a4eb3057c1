package imagesuperscaling.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import imagesuperscaling.client.TestServer.Answer;
import imagesuperscaling.client.TestServer.Request;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Jobs: what is sent, what answers mean, and what is done after a broken connection. */
class JobsTest {
    private static final String IMAGE = "the enlarged image";
    private static final Answer QUEUED = job(202, "\"status\": \"queued\", \"done\": 0, \"total\": 0");
    private static final Answer DONE = job(200, "\"status\": \"done\", \"done\": 2, \"total\": 2");
    private static final Job JOB = new Job(
            "AB1", JobState.QUEUED, 0, 0, Optional.empty(), Optional.empty(), Optional.empty());

    @TempDir
    Path folder;

    private static Answer job(int status, String members) {
        return Answer.of(status, "application/json", "{\"id\": \"AB1\", " + members + "}", "Retry-After", "0");
    }

    private static Answer problem(int status, String code) {
        String problem = "{\"status\": %d, \"code\": \"%s\", \"detail\": \"no\"}".formatted(status, code);
        return Answer.of(status, "application/problem+json", problem, "Retry-After", "0");
    }

    private static Answer result(int status, String body, String... headers) {
        List<String> all = new ArrayList<>(List.of("ETag", tag(IMAGE)));
        all.addAll(List.of(headers));
        return Answer.of(status, "image/png", body, all.toArray(String[]::new));
    }

    private static String tag(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return "\"" + HexFormat.of().formatHex(digest) + "\"";
        } catch (java.security.NoSuchAlgorithmException impossible) {
            throw new AssertionError(impossible);
        }
    }

    /** A client that hardly waits. */
    private static JobsClient client(TestServer server) {
        return UpscaleClient.builder(server.url())
                .longestWait(Duration.ofMillis(20))
                .build()
                .jobs();
    }

    private static String key(Request request) {
        return request.headers().getFirst("Idempotency-Key");
    }

    private List<Path> files() throws Exception {
        try (Stream<Path> all = Files.list(folder)) {
            return all.toList();
        }
    }

    @Test
    void aFileIsSubmittedWithItsOptions() throws Exception {
        Path file = Files.writeString(folder.resolve("in.png"), "content");
        try (TestServer server = new TestServer(QUEUED)) {
            JobInput input = JobInput.fromFile(file)
                    .with(UpscaleOptions.builder().scale(3).build())
                    .inGroup("holiday")
                    .withWebhook(URI.create("https://example.org/done?a=b"));
            assertEquals(JOB, client(server).submit(input));
            Request request = server.only();
            assertEquals("POST", request.method());
            assertEquals(
                    "/jobs?scale=3&group=holiday&webhook=https%3A%2F%2Fexample.org%2Fdone%3Fa%3Db", request.uri());
            assertEquals("content", new String(request.body(), StandardCharsets.UTF_8));
            assertEquals("application/octet-stream", request.headers().getFirst("Content-Type"));
            assertTrue(key(request).length() >= 32, key(request));
        }
    }

    @Test
    void allAttemptsHaveOneKey() throws Exception {
        try (TestServer server = new TestServer(problem(503, "engine_failed"), QUEUED.cut(5), problem(504, "x"), QUEUED)) {
            client(server).submit(JobInput.fromBytes(new byte[] {1, 2}));
            assertEquals(4, server.requests.size());
            assertEquals(1, server.requests.stream().map(JobsTest::key).distinct().count());
            assertEquals(2, server.requests.get(3).body().length);
            client(server).submit(JobInput.fromBytes(new byte[] {1, 2}).withIdempotencyKey("mine"));
            assertEquals("mine", key(server.requests.get(4)));
        }
    }

    @Test
    void itIsAwaited() throws Exception {
        Answer running = job(200, "\"status\": \"running\", \"done\": 1, \"total\": 2, \"secondsLeft\": 1.5, \"group\": \"g\"");
        try (TestServer server = new TestServer(running, DONE.cut(3), DONE)) {
            List<Job> seen = new ArrayList<>();
            Job done = client(server).await(JOB, seen::add);
            assertEquals(JobState.DONE, done.state());
            assertEquals(List.of(1, 2), seen.stream().map(Job::done).toList());
            assertEquals(Optional.of(Duration.ofMillis(1500)), seen.get(0).timeLeft());
            assertEquals(Optional.of("g"), seen.get(0).group());
            assertEquals("/jobs/AB1", server.requests.get(2).uri());
        }
    }

    @Test
    void aServiceThatIsAwayIsWaitedFor() throws Exception {
        Answer away = Answer.of(502, "text/html", "<p>");
        try (TestServer server = new TestServer(away, problem(503, "x"), DONE.cut(3), problem(429, "x"), away, DONE)) {
            JobsClient jobs = UpscaleClient.builder(server.url())
                    .retries(0)
                    .longestWait(Duration.ZERO)
                    .build()
                    .jobs();
            assertEquals(JobState.DONE, jobs.await(JOB).state());
            assertEquals(6, server.requests.size());
        }
        try (TestServer server = new TestServer(problem(503, "x"))) {
            assertThrows(
                    UpscaleException.Unavailable.class,
                    () -> client(server).await(JOB, seen -> {}, Duration.ofMillis(100)));
            // On a slow machine, the first one takes all of the time.
            assertTrue(server.requests.size() <= 2);
        }
    }

    @ParameterizedTest
    @CsvSource({"0, PT0.2S", "0.05, PT0.2S", "2, PT2S", "30, PT30S", "600, PT30S"})
    void theServiceSaysHowOftenItIsAsked(double asked, Duration pause) {
        assertEquals(pause, Requests.bounded(Duration.ofMillis(Math.round(asked * 1000))));
    }

    @ParameterizedTest
    @CsvSource({
        "failed, '{\"status\": 422, \"code\": \"image_corrupt\", \"detail\": \"cut\"}', Rejected, cut",
        "failed, '{}', UpscaleException, it has failed",
        "failed, 'null', NoResult, the job has failed",
        "cancelled, 'null', NoResult, the job was cancelled",
    })
    void aJobWithoutAResultIsNotAwaitedInVain(String status, String problem, String type, String detail) {
        Answer end = job(200, "\"status\": \"%s\", \"done\": 0, \"total\": 2, \"problem\": %s".formatted(status, problem));
        try (TestServer server = new TestServer(end)) {
            UpscaleException failure = assertThrows(UpscaleException.class, () -> client(server).await(JOB));
            assertEquals(type, failure.getClass().getSimpleName());
            assertEquals(detail, failure.detail());
        }
    }

    @Test
    void aResultIsWritten() throws Exception {
        Path file = folder.resolve("out.png");
        try (TestServer server = new TestServer(result(200, IMAGE, "X-Upscaler-Notes", "16 bits became 8"))) {
            assertEquals("16 bits became 8", client(server).download(JOB, file));
            assertEquals(IMAGE, Files.readString(file));
            UpscaleOutput output = client(server).result(JOB);
            assertArrayEquals(IMAGE.getBytes(StandardCharsets.UTF_8), output.image());
            assertEquals(List.of(file), files());
        }
    }

    @Test
    void aBrokenDownloadIsResumed() throws Exception {
        Answer first = result(200, IMAGE).cut(8);
        Answer second = result(206, IMAGE.substring(10), "Content-Range", "bytes 10-17/18").cut(5);
        Answer third = result(206, IMAGE.substring(13), "Content-Range", "bytes 13-17/18");
        try (TestServer server = new TestServer(first, second, problem(503, "x"), third)) {
            client(server).download(JOB, folder.resolve("out.png"));
            assertEquals(IMAGE, Files.readString(folder.resolve("out.png")));
            Request last = server.requests.get(3);
            assertEquals("bytes=13-", last.headers().getFirst("Range"));
            assertEquals(tag(IMAGE), last.headers().getFirst("If-Range"));
            assertFalse(server.requests.get(0).headers().containsKey("Range"));
        }
    }

    @Test
    void anotherResultBeginsAnew() throws Exception {
        try (TestServer server = new TestServer(result(200, IMAGE).cut(8), Answer.of(200, "image/png", "other"))) {
            client(server).download(JOB, folder.resolve("out.png"));
            assertEquals("other", Files.readString(folder.resolve("out.png")));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bytes 9-17/18", "bytes 10-17/*", "", "bytes 10-17/99999999999999999999999"})
    void anotherPartIsRejected(String part) throws Exception {
        Answer second = result(206, IMAGE.substring(10), "Content-Range", part);
        try (TestServer server = new TestServer(result(200, IMAGE).cut(8), second)) {
            UpscaleException failure = assertThrows(
                    UpscaleException.class, () -> client(server).download(JOB, folder.resolve("out.png")));
            assertTrue(failure.detail().contains("malformed"), failure.detail());
            assertEquals(List.of(), files());
        }
    }

    @Test
    void whatDoesNotHaveItsDigestIsRejected() throws Exception {
        try (TestServer server = new TestServer(result(200, "the enlarged imagE"))) {
            UpscaleException failure = assertThrows(
                    UpscaleException.class, () -> client(server).download(JOB, folder.resolve("out.png")));
            assertTrue(failure.detail().contains("did not arrive as the service has it"), failure.detail());
            assertEquals(List.of(), files());
        }
    }

    @Test
    void aLargeResultIsNotReadIntoMemory() throws Exception {
        try (TestServer server = new TestServer(result(200, IMAGE))) {
            UpscaleClient small = UpscaleClient.builder(server.url()).mostAnswerBytes(17).build();
            assertThrows(UpscaleException.class, () -> small.jobs().result(JOB));
            small.jobs().download(JOB, folder.resolve("out.png"));
            assertEquals(IMAGE, Files.readString(folder.resolve("out.png")));
        }
    }

    /** Its download ends at once: the server goes silent after the first bytes, and sees the client leave. */
    @Test
    void aResultThatIsTooLargeIsNotFetched() throws Exception {
        String head = "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 2000000000\r\n\r\n";
        try (RawServer server = new RawServer(head + "first bytes", true)) {
            JobsClient small = UpscaleClient.builder(server.url()).mostAnswerBytes(17).build().jobs();
            UpscaleException failure = assertThrows(UpscaleException.class, () -> small.result(JOB));
            assertTrue(failure.detail().contains("larger than 17 bytes"), failure.detail());
            server.left.get(60, TimeUnit.SECONDS);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "404, unknown_job, NotFound, 1",
        "409, not_finished, NoResult, 1",
        "410, expired, Expired, 1",
        "413, body_too_large, UpscaleException, 1",
        "422, idempotency_mismatch, Rejected, 1",
        "429, jobs_queue_full, Busy, 4",
        "500, internal_error, UpscaleException, 1",
        "502, bad_gateway, UpscaleException, 4",
        "503, store_unavailable, Unavailable, 4",
    })
    void refusalsHaveTypes(int status, String code, String type, int attempts) throws Exception {
        try (TestServer server = new TestServer(problem(status, code))) {
            UpscaleException failure = assertThrows(
                    UpscaleException.class, () -> client(server).submit(JobInput.fromBytes(new byte[1])));
            assertEquals(type, failure.getClass().getSimpleName());
            assertEquals(status, failure.status());
            assertEquals(Optional.of(code), failure.code());
            assertEquals(attempts, server.requests.size());
            assertThrows(failure.getClass(), () -> client(server).find("AB1"));
            assertThrows(failure.getClass(), () -> client(server).download(JOB, folder.resolve("out.png")));
            assertThrows(failure.getClass(), () -> client(server).cancel(JOB));
            assertEquals(List.of(), files());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"[]", "{}", "<p>", "{\"id\": \"../x\", \"status\": \"done\"}", "{\"id\": \"A\", \"status\": \"?\"}"})
    void answersThatAreNoJobsAreRejected(String body) {
        try (TestServer server = new TestServer(Answer.json(body))) {
            UpscaleException failure = assertThrows(UpscaleException.class, () -> client(server).find("A"));
            assertTrue(failure.detail().contains("malformed"), failure.detail());
        }
    }

    @Test
    void aGroupIsListedPageByPage() throws Exception {
        String one = "{\"id\": \"A\", \"status\": \"done\"}";
        String two = "{\"id\": \"B\", \"status\": \"queued\"}";
        Answer first = Answer.json("{\"jobs\": [" + one + "], \"cursor\": \"A\"}");
        try (TestServer server = new TestServer(first, Answer.json("{\"jobs\": [" + two + "]}"))) {
            assertEquals(
                    List.of("A", "B"),
                    client(server).list("my group").stream().map(Job::id).toList());
            assertEquals("/jobs?group=my+group", server.requests.get(0).uri());
            assertEquals("/jobs?group=my+group&cursor=A", server.requests.get(1).uri());
        }
    }

    @Test
    void itIsCancelled() throws Exception {
        try (TestServer server = new TestServer(Answer.of(204, "text/plain", ""))) {
            client(server).cancel(JOB);
            assertEquals("DELETE", server.only().method());
        }
    }

    @Test
    void futures() throws Exception {
        try (TestServer server = new TestServer(QUEUED, DONE, result(200, IMAGE))) {
            UpscaleOutput output = client(server)
                    .enlargeAsync(JobInput.fromBytes(new byte[1]))
                    .get(60, TimeUnit.SECONDS);
            assertArrayEquals(IMAGE.getBytes(StandardCharsets.UTF_8), output.image());
        }
        try (TestServer server = new TestServer(problem(410, "expired"))) {
            CompletableFuture<Job> waiting = client(server).awaitAsync(JOB, seen -> {});
            Throwable failure =
                    assertThrows(ExecutionException.class, () -> waiting.get(60, TimeUnit.SECONDS)).getCause();
            assertInstanceOf(UpscaleException.Expired.class, failure);
        }
    }

    @Test
    void aCancelledFutureNoLongerAsks() throws Exception {
        Answer running = job(200, "\"status\": \"running\", \"done\": 1, \"total\": 2");
        try (TestServer server = new TestServer(running)) {
            CompletableFuture<Job> waiting = client(server).awaitAsync(JOB, seen -> {});
            assertTrue(server.asked.await(60, TimeUnit.SECONDS));
            waiting.cancel(true);
            assertThrows(CancellationException.class, waiting::get);
            int before = -1;
            for (int tries = 0; before != server.requests.size() && tries < 60; tries++) {
                before = server.requests.size();
                Thread.sleep(500);
            }
            assertEquals(before, server.requests.size());
        }
    }
}
