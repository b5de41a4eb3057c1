package imagesuperscaling.client.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import imagesuperscaling.client.TestServer;
import imagesuperscaling.client.TestServer.Answer;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MainTest extends InFolder {
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
        "in.png, out, --format=webp, /upscale?format=webp",
        "in.png, out.jpeg, --format=jpg, /upscale?format=jpeg",
        "in.png, out.tiff, --format=TIF, /upscale?format=tiff",
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
    void jsonIsAnOption() throws Exception {
        touch("in.png");
        try (TestServer server = new TestServer(Answer.json("{\"imageBase64\": \"bGFyZ2Vy\"}"))) {
            assertEquals(0, run(server, "in.png", "out.png", "--json"));
            assertEquals("application/json", server.only().headers().getFirst("Content-Type"));
            assertArrayEquals(LARGER, Files.readAllBytes(folder.resolve("out.png")));
        }
    }

    @Test
    void streamsAreTheDefault() throws Exception {
        touch("in.png");
        Answer stream = Answer.of(200, "text/event-stream", """
                event: progress
                data: {"done": 1, "total": 2, "secondsLeft": 0.5}

                event: notes
                data: {"notes": ["16 bits became 8"]}

                event: result
                data: {"imageBase64": "bGFyZ2Vy"}

                """);
        try (TestServer server = new TestServer(stream)) {
            String[] words = {"--url", server.url(), folder + "/in.png", "-o", folder + "/out.png"};
            assertEquals(0, Main.run(print(out), print(err), words), err::toString);
            assertEquals("application/octet-stream", server.only().headers().getFirst("Content-Type"));
            assertEquals("text/event-stream", server.only().headers().getFirst("Accept"));
            assertArrayEquals(LARGER, Files.readAllBytes(folder.resolve("out.png")));
            assertTrue(lines()[0].endsWith(" (16 bits became 8)"), lines()[0]);
            assertEquals(1, lines().length, err::toString);
        }
    }

    @ParameterizedTest
    @CsvSource({"-q", "--quiet"})
    void quietlyOnlyFailuresArePrinted(String option) throws Exception {
        touch("a.png");
        try (TestServer server = new TestServer(PICTURE)) {
            assertEquals(0, run(server, option, "a.png", "-o", "b.png"));
            assertEquals("", err.toString(StandardCharsets.UTF_8));
            assertEquals(1, run(server, option, "none.png", "-o", "c.png"));
            assertEquals("[1/1] none.png: failed: NoSuchFileException: none.png", lines()[0]);
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

    @Test
    void afterTwoDashesAllAreFiles() throws Exception {
        try (TestServer server = new TestServer(PICTURE)) {
            String[] words = {"--url", server.url(), "--", "-none.png", folder + "/out.png"};
            assertEquals(1, Main.run(print(out), print(err), words));
            assertEquals("[1/1] -none.png: failed: NoSuchFileException: -none.png", lines()[0]);
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
