package imagesuperscaling.client.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import imagesuperscaling.client.TestServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.Set;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which files become which. */
class FolderTest extends InFolder {
    @Test
    void theFilesOfAFolderAndSingleOnes() throws Exception {
        touch("in/b.png", "in/a.JPG", "in/README.md", "in/within/c.png", "d.tif");
        try (TestServer server = new TestServer(PICTURE)) {
            assertEquals(0, run(server, "in", "d.tif", "deep/out"));
            assertEquals(List.of("a.JPG", "b.png", "d.tif", "within"), files("deep/out"));
            assertEquals(List.of("c.png"), files("deep/out/within"));
            assertEquals("skipped in folders: not named like an image (1)", lines()[0]);
            assertTrue(lines()[4].startsWith("[4/4] d.tif: "), lines()[4]);
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
    void theFolderMayBeALink() throws Exception {
        touch("a.png");
        Files.createSymbolicLink(folder.resolve("link"), Files.createDirectory(folder.resolve("out")));
        try (TestServer server = new TestServer(PICTURE)) {
            assertEquals(0, run(server, "a.png", "link"), err::toString);
            assertEquals(List.of("a.png"), files("out"));
        }
    }

    @ParameterizedTest
    @CsvSource(nullValues = "-", value = {
        "photo.jpg, -, photo-x2.jpg",
        "photo.JPEG, --scale=3, photo-x3.JPEG",
        "photo.png, --scale=1.50, photo-x1.5.png",
        "photo.png, --format=jpg, photo-x2.jpg",
        "photo.png, --width=2000, photo-w2000.png",
        "photo.png, --height=1000, photo-h1000.png",
        "photo.png, --width=8 --height=6 --fit=inside, photo-w8h6.png",
        "photo.png, --width=8 --height=6 --fit=cover, photo-w8h6-cover.png",
        "photo.png, --width=8 --height=6 --fit=fill, photo-w8h6-fill.png",
        "photo.mpo, -, photo-x2.jpg",
        "photo.heic, -, photo-x2.jpg",
        "photo.v2, -, photo.v2-x2",
        "photo.v2, --format=webp, photo.v2-x2.webp",
        ".png, -, .png-x2"
    })
    void withoutAnOutputTheNameSaysTheSize(String input, String options, String result) throws Exception {
        touch("in/" + input);
        List<String> words = new ArrayList<>(List.of("in/" + input));
        if (options != null) {
            words.addAll(List.of(options.split(" ")));
        }
        try (TestServer server = new TestServer(PICTURE)) {
            assertEquals(0, run(server, words.toArray(String[]::new)), err::toString);
            assertArrayEquals(LARGER, Files.readAllBytes(folder.resolve("in/" + result)));
            assertEquals(2, files("in").size());
        }
    }

    /** With --again, results of an earlier run are replaced: this one is an input as well. */
    @Test
    void anotherInputIsNotReplaced() throws Exception {
        touch("photos/x/a.png", "out/x/a.png");
        try (TestServer server = new TestServer(PICTURE)) {
            assertEquals(2, run(server, "photos", "out/x", "-o", "out", "--again"));
            assertTrue(err.toString().contains("is an input itself"), err::toString);
            assertEquals(0, server.requests.size());
        }
    }

    @Test
    void hiddenFilesAndLinksToFoldersAreNotSearchedNorIsTheOutput() throws Exception {
        touch("in/a.png", "in/.hidden/b.png", "in/.c.png", "elsewhere/d.png", "in/out/e.png");
        Files.createSymbolicLink(folder.resolve("in/link"), folder.resolve("elsewhere"));
        try (TestServer server = new TestServer(PICTURE)) {
            assertEquals(0, run(server, "in", "-o", "in/out"), err::toString);
            assertEquals(List.of("a.png", "e.png"), files("in/out"));
            assertEquals(1, server.requests.size());
        }
    }

    @Test
    void aFileIsDoneOnceHoweverOftenItIsNamed() throws Exception {
        touch("in/a.png");
        try (TestServer server = new TestServer(PICTURE)) {
            assertEquals(0, run(server, "in/a.png", "in", "in/../in/a.png", "-o", "out"), err::toString);
            assertEquals(1, server.requests.size());
        }
    }

    @ParameterizedTest
    @CsvSource({"in, 'named *-x2.*, like results (3), '", "in -o out, ''"})
    void theSameCommandAgainDoesOnlyWhatIsNew(String command, String note) throws Exception {
        touch("in/a.png", "in/b.png", "in/deep/c.png");
        String[] words = command.split(" ");
        try (TestServer server = new TestServer(PICTURE)) {
            for (int count = 3; count <= 4; count++) {
                assertEquals(0, run(server, words), err::toString);
                assertEquals(count, server.requests.size());
                err.reset();
                assertEquals(0, run(server, words), err::toString);
                assertEquals(count, server.requests.size());
                if (count == 3) {
                    String line = "skipped in folders: " + note + "with a newer result, which --again replaces (3)";
                    assertEquals(List.of(line), List.of(lines()));
                }
                touch("in/new.png");
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"--again, 0, larger", "--force, 0, larger", "--quiet, 0, out/a.png"})
    void aNewerResultIsReplacedOnDemand(String option, int status, String content) throws Exception {
        touch("in/a.png", "out/a.png");
        try (TestServer server = new TestServer(PICTURE)) {
            assertEquals(status, run(server, "in", "-o", "out", option), err::toString);
            assertEquals(content, Files.readString(folder.resolve("out/a.png")));
        }
    }

    @ParameterizedTest
    @CsvSource({"--again, 1, out/a.png", "--force, 0, larger", "--quiet, 1, out/a.png"})
    void anOlderFileIsNotTakenForTheResult(String option, int status, String content) throws Exception {
        touch("in/a.png", "out/a.png");
        Files.setLastModifiedTime(folder.resolve("out/a.png"), FileTime.fromMillis(1_000_000_000_000L));
        try (TestServer server = new TestServer(PICTURE)) {
            assertEquals(status, run(server, "in", "-o", "out", option), err::toString);
            assertEquals(content, Files.readString(folder.resolve("out/a.png")));
        }
    }

    @ParameterizedTest
    @CsvSource({"--again, 1, b.png", "--force, 0, larger", "--quiet, 1, b.png"})
    void aFileThatIsNamedIsReplacedByForceOnly(String option, int status, String content) throws Exception {
        touch("a.png", "b.png");
        try (TestServer server = new TestServer(PICTURE)) {
            assertEquals(status, run(server, "a.png", "-o", "b.png", option), err::toString);
            assertEquals(content, Files.readString(folder.resolve("b.png")));
            if (status == 1) {
                assertEquals("[1/1] a.png: failed: b.png exists already: --force replaces it", lines()[0]);
                assertTrue(server.requests.isEmpty());
            }
        }
    }

    @Test
    void aFolderThatCanNotBeReadIsAFailure() throws Exception {
        touch("in/a.png", "in/locked/b.png");
        Path locked = folder.resolve("in/locked");
        Set<PosixFilePermission> before = Files.getPosixFilePermissions(locked);
        Files.setPosixFilePermissions(locked, Set.of());
        try (TestServer server = new TestServer(PICTURE)) {
            // Who is root reads it all the same.
            boolean readable = Files.isReadable(locked);
            assertEquals(readable ? 0 : 1, run(server, "in", "-o", "out"), err::toString);
            assertTrue(Files.exists(folder.resolve("out/a.png")));
            assertTrue(readable || lines()[0].startsWith("[1/2] in/locked: failed: AccessDenied"), lines()[0]);
        } finally {
            Files.setPosixFilePermissions(locked, before);
        }
    }
}
