package imagesuperscaling.client.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import imagesuperscaling.client.TestServer;
import imagesuperscaling.client.TestServer.Answer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MainTest {
    private static final Answer PICTURE = Answer.of(200, "image/png", "larger");
    private static final byte[] LARGER = PICTURE.body();

    @TempDir
    Path folder;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    /** Runs the command line with paths in the folder of the test. */
    private int run(TestServer server, String... words) {
        List<String> all = new ArrayList<>(List.of("--bytes", "--url=" + server.url()));
        for (String word : words) {
            all.add(word.startsWith("-") ? word : folder + "/" + word);
        }
        return Main.run(print(out), print(err), all.toArray(String[]::new));
    }

    private static PrintStream print(ByteArrayOutputStream stream) {
        return new PrintStream(stream, true, StandardCharsets.UTF_8);
    }

    private void touch(String... names) throws IOException {
        for (String name : names) {
            Files.createDirectories(folder.resolve(name).getParent());
            Files.writeString(folder.resolve(name), name);
        }
    }

    private List<String> files(String name) throws IOException {
        try (Stream<Path> all = Files.list(folder.resolve(name))) {
            return all.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private String[] lines() {
        return err.toString(StandardCharsets.UTF_8).replace(folder + "/", "").split("\n");
    }

    @Test
    void oneFile() throws Exception {
        touch("in.png");
        try (TestServer server = new TestServer(PICTURE)) {
            assertEquals(0, run(server, "in.png", "out.png"));
            assertArrayEquals(LARGER, Files.readAllBytes(folder.resolve("out.png")));
            assertEquals("in.png", new String(server.only().body(), StandardCharsets.UTF_8));
            assertEquals("/upscale", server.only().uri());
            assertTrue(lines()[0].matches("\\[1/1] in.png: 0.0 kB -> out.png, 0.0 kB, \\d+\\.\\d s"), lines()[0]);
            assertEquals(1, lines().length);
            assertEquals(0, out.size());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "in.png, out.jpg, --quality=90, /upscale?format=jpeg&quality=90",
        "in.png, out.PNG, --quality=1, /upscale?quality=1",
        "in.png, out.jpg, --metadata=strip, /upscale?format=jpeg&metadata=strip",
        "in.png, out.png, --scale=3, /upscale?scale=3",
        "in.png, out.jpg, --scale=1.50, /upscale?format=jpeg&scale=1.5",
        "in.png, out.png, --width=2000, /upscale?width=2000",
        "in.png, out.png, --height=9 --width=8 --fit=cover, /upscale?width=8&height=9&fit=cover",
        "in.png, out.png, --model=4x-fast, /upscale?model=4x-fast",
        "in.png, out.png, --strength=0.50, /upscale?strength=0.5",
        "in.jpeg, out.jpg, --retries=0, /upscale",
        "in.png, out, --timeout=5, /upscale",
        "in.png, out.jpg, --format=webp, /upscale?format=webp",
        "in.png, out.gif, --format=jpg, /upscale?format=jpeg",
        "in.png, out.gif, --format=TIF, /upscale?format=tiff",
        "in, out.gif, --retries=0, /upscale?format=gif"
    })
    void theRequestIsWhatTheWordsSay(String input, String output, String options, String uri) throws Exception {
        touch(input);
        List<String> words = new ArrayList<>(List.of(input, output));
        words.addAll(List.of(options.split(" ")));
        try (TestServer server = new TestServer(PICTURE)) {
            assertEquals(0, run(server, words.toArray(String[]::new)), err::toString);
            assertEquals(uri, server.only().uri());
        }
    }

    @Test
    void jsonIsTheDefault() throws Exception {
        touch("in.png");
        try (TestServer server = new TestServer(Answer.json("{\"imageBase64\": \"bGFyZ2Vy\"}"))) {
            assertEquals(0, run(server, "in.png", "out.png", "--json"));
            assertEquals("application/json", server.only().headers().getFirst("Content-Type"));
            assertArrayEquals(LARGER, Files.readAllBytes(folder.resolve("out.png")));
            String[] words = {"--url", server.url(), folder + "/in.png", folder + "/out.png"};
            assertEquals(0, Main.run(print(out), print(err), words));
            assertEquals("application/json", server.requests.get(1).headers().getFirst("Content-Type"));
        }
    }

    @Test
    void theFilesOfAFolderAndSingleOnes() throws Exception {
        touch("in/b.png", "in/a.JPG", "in/README.md", "in/within/c.png", "d.tif");
        try (TestServer server = new TestServer(PICTURE)) {
            assertEquals(0, run(server, "in", "d.tif", "deep/out"));
            assertEquals(List.of("a.JPG", "b.png", "d.tif"), files("deep/out"));
            assertTrue(lines()[2].startsWith("[3/3] d.tif: "), lines()[2]);
        }
    }

    @Test
    void aFormatChangesTheExtension() throws Exception {
        touch("in/a.b.jpg", "in/c.PNG", "in/d.jpeg");
        try (TestServer server = new TestServer(PICTURE)) {
            assertEquals(0, run(server, "in", "out", "--format=jpeg"));
            assertEquals(List.of("a.b.jpg", "c.jpg", "d.jpeg"), files("out"));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "--retries=0, a.jpg, /upscale?format=jpeg",
        "--metadata=strip, a.jpg, /upscale?format=jpeg&metadata=strip",
        "--quality=7, a.jpg, /upscale?format=jpeg&quality=7",
        "--width=5, a.jpg, /upscale?format=jpeg&width=5",
        "--format=png, a.png, /upscale?format=png"
    })
    void heicInAFolderBecomesJpeg(String option, String output, String uri) throws Exception {
        touch("in/a.heic");
        try (TestServer server = new TestServer(PICTURE)) {
            assertEquals(0, run(server, "in", "out", option), err::toString);
            assertEquals(uri, server.only().uri());
            assertEquals(List.of(output), files("out"));
        }
    }

    @Test
    void aFailedFileStopsNoOther() throws Exception {
        touch("in/a.png", "in/b.png", "in/c.png");
        String problem = "{\"code\": \"image_corrupt\", \"detail\": \"cut\\noff\", \"requestId\": \"r1\"}";
        Answer corrupt = Answer.of(422, "application/problem+json", problem);
        try (TestServer server = new TestServer(PICTURE, corrupt, PICTURE)) {
            assertEquals(1, run(server, "in", "in/none.png", "out"));
            assertEquals(List.of("a.png", "c.png"), files("out"));
            assertEquals("[2/4] in/b.png: failed: HTTP 422 image_corrupt: cut off (request r1)", lines()[1]);
            assertEquals("[4/4] in/none.png: failed: NoSuchFileException: in/none.png", lines()[3]);
            assertEquals("2 of 4 failed", lines()[4]);
            assertEquals(5, lines().length);
        }
    }

    @Test
    void nothingIsLeftOfAnOutputThatCanNotBeWritten() throws Exception {
        touch("a.png", "out/a.png/in the way");
        try (TestServer server = new TestServer(PICTURE)) {
            assertEquals(1, run(server, "a.png", "out"));
            assertEquals(List.of("a.png"), files("out"));
        }
    }

    @Test
    void aFileLargerThanAnArrayStopsNoOther() throws Exception {
        touch("b.png");
        try (RandomAccessFile sparse = new RandomAccessFile(folder.resolve("a.png").toFile(), "rw")) {
            sparse.setLength(3L << 30);
        }
        try (TestServer server = new TestServer(PICTURE)) {
            assertEquals(1, run(server, "a.png", "b.png", "out"));
            assertTrue(lines()[0].startsWith("[1/2] a.png: failed: OutOfMemoryError: "), lines()[0]);
            assertEquals(List.of("b.png"), files("out"));
        }
    }

    @Test
    void theFolderMayBeALink() throws Exception {
        touch("a.png");
        Files.createSymbolicLink(folder.resolve("link"), Files.createDirectory(folder.resolve("out")));
        try (TestServer server = new TestServer(PICTURE)) {
            assertEquals(0, run(server, "a.png", "link"), err::toString);
            assertEquals(List.of("a.png"), files("out"));
        }
    }

    @ParameterizedTest
    @CsvSource(quoteCharacter = '"', value = {
        "\"\", name at least one input and the output",
        "a.png, name at least one input and the output",
        "a.png b.png --wrong, --wrong is unknown",
        "a.png b.png -x, -x is unknown",
        "a.png b.png --url, --url needs a value",
        "a.png b.png --url=ftp://h, --url: ftp://h is not a URL such as http://localhost:7777",
        "a.png b.png --json=1, \"--json takes no value, or is unknown\"",
        "a.png b.png --format=exe, \"--format is one of jpeg, png, webp, tiff, bmp, gif, avif, not exe\"",
        "a.png b.png --quality=0, \"--quality is a number from 1 to 100, not 0\"",
        "a.png b.png --quality=x, \"--quality is a number from 1 to 100, not x\"",
        "a.png b.png --metadata=all, \"--metadata is one of keep, strip, colour, not all\"",
        "a.png b.png --scale=0, \"--scale is a number from 1 to 8, not 0\"",
        "a.png b.png --scale=8.1, \"--scale is a number from 1 to 8, not 8.1\"",
        "a.png b.png --strength=1.1, \"--strength is a number from 0 to 1, not 1.1\"",
        "a.png b.png --strength=-1, \"--strength is a number from 0 to 1, not -1\"",
        "a.png b.png --scale=NaN, \"--scale is a number from 1 to 8, not NaN\"",
        "a.png b.png --width=0, \"--width is a number from 1 to 9999999, not 0\"",
        "a.png b.png --height=1.5, \"--height is a number from 1 to 9999999, not 1.5\"",
        "a.png b.png --fit=some, \"--fit is one of inside, cover, fill, not some\"",
        "a.png b.png --fit=fill, fit needs width or height",
        "a.png b.png --scale=2 --width=9, \"scale can't be combined with width, height or fit\"",
        "a.png b.png --model=, \"model is empty, must be a name\"",
        "--models a.png, --models takes no files",
        "a.png b.png --retries=-1, \"--retries is a number from 0 to 1000000, not -1\"",
        "a.png b.png --timeout=0, \"--timeout is a number from 1 to 1000000, not 0\"",
        "a.png a.png, a.png would replace its own input",
        "a.png ., ./a.png would replace its own input",
        "a.png b/a.png out, a.png and b/a.png would both become out/a.png",
        "a.png a.jpg out --format=webp, a.png and a.jpg would both become out/a.webp",
        "a.png b b/a.png, \"b/a.png is a file; for several pictures, name a folder\"",
        "empty out, there are no pictures in empty"
    })
    void wrongUsageDoesNothing(String words, String message) throws Exception {
        touch("a.png", "a.jpg", "b/a.png");
        Files.createDirectory(folder.resolve("empty"));
        String url = "--url=http://localhost:1";
        String command = words.contains("--url") ? words : url + " " + words;
        List<String> all = new ArrayList<>();
        for (String word : command.strip().split(" ")) {
            all.add(word.startsWith("-") ? word : folder + "/" + word);
        }
        assertEquals(2, Main.run(print(out), print(err), all.toArray(String[]::new)));
        assertEquals(message + "; see --help", String.join("\n", lines()));
        assertFalse(Files.exists(folder.resolve("out")));
    }

    @Test
    void modelsAreListed() {
        String model = """
                {"name": "%s", "default": %s, "scale": %d, "kind": "faithful", "precision": "int8",
                 "secondsPerMegapixel": %s, "sha256": "", "licence": "MIT", "more": []}
                """;
        String fast = model.formatted("fast\\n", true, 2, "1.25");
        String list = "[" + fast + ", " + model.formatted("slow", false, 4, "null") + "]";
        try (TestServer server = new TestServer(Answer.json(list))) {
            assertEquals(0, run(server, "--models"), err::toString);
            assertEquals("/models", server.only().uri());
            assertEquals(
                    "fast  (default): x2, faithful, int8, 1.3 s per megapixel, MIT\nslow: x4, faithful, int8, MIT\n",
                    out.toString(StandardCharsets.UTF_8));
        }
    }

    @ParameterizedTest
    @CsvSource({"--help", "-h"})
    void helpIsNoFailure(String option) {
        assertEquals(0, Main.run(print(out), print(err), "a", option));
        assertEquals(Arguments.USAGE, out.toString(StandardCharsets.UTF_8));
        assertEquals(0, err.size());
    }

    @Test
    void afterTwoDashesAllAreFiles() throws Exception {
        try (TestServer server = new TestServer(PICTURE)) {
            String[] words = {"--url", server.url(), "--", "-none.png", folder + "/out.png"};
            assertEquals(1, Main.run(print(out), print(err), words));
            assertEquals("[1/1] -none.png: failed: NoSuchFileException: -none.png", lines()[0]);
        }
    }

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
    void theKeyComesFromAFile() throws Exception {
        touch("a.png");
        Files.writeString(folder.resolve("key"), "us_secret\n");
        try (TestServer server = new TestServer(PICTURE)) {
            assertEquals(0, run(server, "--key-file=" + folder.resolve("key"), "a.png", "out.png"));
            assertEquals("Bearer us_secret", server.only().headers().getFirst("Authorization"));
        }
    }

    @ParameterizedTest
    @CsvSource({"two words, other characters", "'', other characters", ", can't be read"})
    void filesWithoutAKey(String content, String said) throws Exception {
        if (content != null) {
            Files.writeString(folder.resolve("key"), content);
        }
        try (TestServer server = new TestServer(PICTURE)) {
            assertEquals(2, run(server, "--key-file=" + folder.resolve("key"), "a.png", "out.png"));
            String text = err.toString(StandardCharsets.UTF_8);
            assertTrue(text.contains(said), text);
            assertFalse(text.contains("words"), text);
            assertTrue(server.requests.isEmpty());
        }
    }
}
