package imagesuperscaling.client.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import imagesuperscaling.client.TestServer;
import imagesuperscaling.client.TestServer.Answer;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Images as jobs. */
class JobRunTest extends InFolder {
    private static Answer job(int status, String state) {
        return Answer.of(status, "application/json", "{\"id\": \"A1\", \"status\": \"" + state + "\"}");
    }

    @Test
    void jobsAreHandedInAndFetched() throws Exception {
        touch("in/a.png", "in/b.png");
        try (TestServer server = new TestServer(
                job(202, "queued"), job(202, "queued"), job(200, "done"), PICTURE, job(200, "done"), PICTURE)) {
            assertEquals(0, run(server, "--jobs", "--group=holiday", "in", "out"));
            assertEquals(List.of("a.png", "b.png"), files("out"));
            assertArrayEquals(LARGER, Files.readAllBytes(folder.resolve("out/a.png")));
            List<String> asked = server.requests.stream().map(TestServer.Request::uri).toList();
            assertEquals(
                    List.of("/jobs?group=holiday", "/jobs?group=holiday", "/jobs/A1", "/jobs/A1/result"),
                    asked.subList(0, 4));
            assertTrue(lines()[1].startsWith("[2/2] in/b.png: 0.0 kB -> out/b.png, 0.0 kB"), lines()[1]);
        }
    }

    @Test
    void aFullQueueWaitsForEarlierJobs() throws Exception {
        touch("in/a.png", "in/b.png");
        Answer full = Answer.of(429, "text/plain", "full", "Retry-After", "9999");
        try (TestServer server = new TestServer(
                job(202, "queued"), full, job(200, "done"), PICTURE, job(202, "done"), job(200, "done"), PICTURE)) {
            assertEquals(0, run(server, "--jobs", "in", "out"));
            assertEquals(List.of("a.png", "b.png"), files("out"));
        }
    }

    @Test
    void anEarlierJobWithoutAResultIsPassedOver() throws Exception {
        touch("a.png");
        Answer expired = Answer.of(410, "text/plain", "expired");
        try (TestServer server = new TestServer(
                job(202, "cancelled"), job(202, "done"), job(200, "done"), expired, job(202, "queued"), job(200, "done"), PICTURE)) {
            assertEquals(0, run(server, "--jobs", "a.png", "out.png"));
            assertEquals(
                    3,
                    server.requests.stream()
                            .filter(request -> request.method().equals("POST"))
                            .map(request -> request.headers().getFirst("Idempotency-Key"))
                            .distinct()
                            .count());
        }
    }

    @Test
    void aJobThatFailsStopsNoOther() throws Exception {
        touch("in/a.png", "in/b.png");
        Answer failed = Answer.json("{\"id\": \"A1\", \"status\": \"failed\", \"problem\": "
                + "{\"status\": 422, \"code\": \"image_corrupt\", \"detail\": \"cut\"}}");
        try (TestServer server = new TestServer(
                job(202, "queued"), job(202, "queued"), failed, job(200, "done"), PICTURE)) {
            assertEquals(1, run(server, "--jobs", "in", "out"));
            assertEquals("[1/2] in/a.png: failed: HTTP 422 image_corrupt: cut", lines()[0]);
            assertEquals(List.of("b.png"), files("out"));
        }
    }

    @Test
    void resultsThatAreThereAreLeftAlone() throws Exception {
        touch("in/a.png", "in/b.png", "out/a.png", "c.png", "out/c.png");
        try (TestServer server = new TestServer(job(202, "queued"), job(200, "done"), PICTURE)) {
            assertEquals(1, run(server, "--jobs", "in", "c.png", "-o", "out"));
            assertEquals("skipped in folders: with a newer result, which --again replaces (1)", lines()[0]);
            assertEquals("[1/2] c.png: failed: out/c.png exists already: --force replaces it", lines()[1]);
            assertEquals("out/a.png", Files.readString(folder.resolve("out/a.png")));
            assertArrayEquals(LARGER, Files.readAllBytes(folder.resolve("out/b.png")));
        }
    }
}
