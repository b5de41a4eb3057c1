package imagesuperscaling.client.cli;

import imagesuperscaling.client.TestServer;
import imagesuperscaling.client.TestServer.Answer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;

/** Runs the command line in a folder of its own. */
abstract class InFolder {
    static final Answer PICTURE = Answer.of(200, "image/png", "larger");
    static final byte[] LARGER = PICTURE.body();

    @TempDir
    Path folder;

    final ByteArrayOutputStream out = new ByteArrayOutputStream();
    final ByteArrayOutputStream err = new ByteArrayOutputStream();

    /** Runs the command line with paths in the folder of the test. */
    int run(TestServer server, String... words) {
        List<String> all = new ArrayList<>(List.of("--bytes", "--url=" + server.url()));
        for (String word : words) {
            all.add(word.startsWith("-") ? word : folder + "/" + word);
        }
        return Main.run(print(out), print(err), all.toArray(String[]::new));
    }

    static PrintStream print(ByteArrayOutputStream stream) {
        return new PrintStream(stream, true, StandardCharsets.UTF_8);
    }

    void touch(String... names) throws IOException {
        for (String name : names) {
            Files.createDirectories(folder.resolve(name).getParent());
            Files.writeString(folder.resolve(name), name);
        }
    }

    List<String> files(String name) throws IOException {
        try (Stream<Path> all = Files.list(folder.resolve(name))) {
            return all.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    /** All paths below the folder. */
    List<String> everything() throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.map(path -> folder.relativize(path).toString()).sorted().toList();
        }
    }

    String[] lines() {
        return err.toString(StandardCharsets.UTF_8).replace(folder + "/", "").split("\n");
    }
}
