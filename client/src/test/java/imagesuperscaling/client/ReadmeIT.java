package imagesuperscaling.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The examples of this client in docs/clients.md work as written. */
@ExtendWith(Service.Running.class)
class ReadmeIT {
    private static final Path JAVA = Path.of(System.getProperty("java.home"), "bin", "java");
    private static final Path JAR = Path.of(System.getProperty("cli.jar"));

    /** One of each format, and transparency. {@link UpscaleClientIT} enlarges all samples. */
    private static final List<String> SAMPLES = List.of(
            "bouncing-ball.gif", "face.jpg", "fur-texture.png", "rocket.webp", "transparent-logo.png");

    @TempDir
    Path folder;

    private String document;

    @BeforeEach
    void read() throws IOException {
        document = Files.readString(Path.of("..", "docs", "clients.md"));
        Path samples = Files.createDirectory(folder.resolve("sample-images"));
        for (String name : SAMPLES) {
            Files.copy(Samples.FOLDER.resolve(name), samples.resolve(name));
        }
    }

    @Test
    void theLibrary(Service service) throws Exception {
        List<String> programs = blocks("java");
        assertEquals(2, programs.size());
        for (String program : programs) {
            String name = program.replaceFirst("(?s).*\\npublic class (\\w+) .*", "$1") + ".java";
            Files.writeString(folder.resolve(name), program.replace("http://localhost:7777", service.url()));
            run(List.of(JAVA.toString(), "-cp", JAR.toString(), name));
        }
        assertEquals(List.of(512, 512), Samples.size(Files.readAllBytes(folder.resolve("larger.jpg"))).orElseThrow());
        assertTrue(Files.exists(folder.resolve("larger.webp")));
        assertEquals(List.of(768, 768), Samples.size(Files.readAllBytes(folder.resolve("three-times.jpg"))).orElseThrow());
        assertTrue(Files.exists(folder.resolve("later.png")));
    }

    @Test
    void theCommandLine(Service service) throws Exception {
        List<String> lines = String.join("\n", blocks("console")).lines()
                .filter(line -> line.startsWith("java -jar "))
                .toList();
        assertEquals(5, lines.size());
        for (String line : lines) {
            List<String> words = new ArrayList<>(List.of(line.split(" ")));
            assertTrue(words.get(2).endsWith(JAR.getFileName().toString()), line);
            words.set(0, JAVA.toString());
            words.set(2, JAR.toString());
            words.addAll(List.of("--url", service.url()));
            run(words);
        }
        Path beside = folder.resolve("sample-images").resolve("face-x2.jpg");
        assertEquals(List.of(512, 512), Samples.size(Files.readAllBytes(beside)).orElseThrow());
        assertEquals(List.of(768, 768), Samples.size(Files.readAllBytes(folder.resolve("face.png"))).orElseThrow());
        for (String results : List.of("larger", "from-jobs")) {
            // The first command has put its result beside the samples.
            assertEquals(1 + SAMPLES.size(), Files.list(folder.resolve(results)).count());
        }
    }

    @Test
    void theCoordinates() throws Exception {
        String pom = Files.readString(Path.of("pom.xml"));
        List<String> shown = blocks("xml").get(0).lines().filter(line -> line.startsWith("  ")).toList();
        assertEquals(3, shown.size());
        for (String line : shown) {
            assertTrue(pom.contains("\n" + line + "\n"), line);
        }
    }

    private List<String> blocks(String language) {
        return Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL)
                .matcher(document)
                .results()
                .map((MatchResult match) -> match.group(1))
                .toList();
    }

    private void run(List<String> command) throws Exception {
        Path log = folder.resolve("log");
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        assertEquals(0, process.waitFor(), () -> String.join(" ", command) + "\n" + text(log));
    }

    private static String text(Path log) {
        try {
            return Files.readString(log);
        } catch (IOException missing) {
            return missing.toString();
        }
    }
}
