package imagesuperscaling.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The jar of the command line against the real service. */
@ExtendWith(Service.Running.class)
class CommandLineIT {
    @TempDir
    Path folder;

    private record Result(int status, String out, List<String> err) {}

    private Result run(Object... words) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-jar",
                System.getProperty("cli.jar")));
        Arrays.stream(words).map(Object::toString).forEach(command::add);
        Path out = folder.resolve("stdout");
        Path err = folder.resolve("stderr");
        Process process = new ProcessBuilder(command)
                .redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .start();
        return new Result(process.waitFor(), Files.readString(out), Files.readAllLines(err));
    }

    @Test
    void oneFile(Service service) throws Exception {
        Path input = Samples.FOLDER.resolve("coffee-artefacts.jpg");
        Path output = folder.resolve("out.jpg");
        Result result = run(input, output, "--url", service.url());
        assertEquals(0, result.status(), result::toString);
        byte[] expected = UpscaleClient.of(service.url()).upscale(input).image();
        assertArrayEquals(expected, Files.readAllBytes(output));
        for (String wire : List.of("--bytes", "--json")) {
            assertEquals(0, run(input, "-o", output, "--force", wire, "--url", service.url()).status());
            assertArrayEquals(expected, Files.readAllBytes(output));
        }
        String line = result.err().get(0);
        assertTrue(line.matches("\\[1/1] .*coffee-artefacts.jpg: 13.8 kB -> .*, \\d+\\.\\d s"), line);
        assertEquals("", result.out());
    }

    @Test
    void aFolderWithACorruptPicture(Service service) throws Exception {
        Path pictures = Files.createDirectory(folder.resolve("pictures"));
        Path larger = folder.resolve("larger");
        Files.write(pictures.resolve("a.png"), Samples.noise(1, 30, 20));
        Files.write(pictures.resolve("b.png"), Arrays.copyOf(Samples.noise(2, 30, 20), 500));
        Files.write(pictures.resolve("c.png"), Samples.noise(3, 20, 30));
        Result result = run("--format=jpeg", "--quality=80", "--url=" + service.url(), pictures, "-o", larger);
        assertEquals(1, result.status(), result::toString);
        try (Stream<Path> files = Files.list(larger)) {
            assertEquals(
                    List.of("a.jpg", "c.jpg"),
                    files.map(file -> file.getFileName().toString()).sorted().toList());
        }
        assertEquals(List.of(40, 60), Samples.size(Files.readAllBytes(larger.resolve("c.jpg"))).orElseThrow());
        String line = result.err().get(1);
        assertTrue(line.matches("\\[2/3] .*b.png: failed: HTTP 422 image_corrupt: .*"), line);
        assertEquals(4, result.err().size(), result::toString);
    }

    @Test
    void nobodyListens() throws Exception {
        Path input = Samples.FOLDER.resolve("face.jpg");
        Result result = run("--url=http://localhost:1", input, folder.resolve("out.jpg"));
        assertEquals(1, result.status(), result::toString);
        String line = result.err().get(0);
        assertTrue(line.contains("failed: no connection to http://localhost:1/upscale"), line);
        assertTrue(Files.notExists(folder.resolve("out.jpg")));
    }

    @Test
    void usage() throws Exception {
        Result help = run("--help");
        assertEquals(0, help.status());
        assertEquals(2, run("--wrong").status());
        Path jar = Path.of(System.getProperty("cli.jar")).getFileName();
        assertTrue(help.out().startsWith("usage: java -jar " + jar + " "), help.out());
        assertEquals("image-super-scaling-client " + version(jar) + "\n", run("--version").out());
    }

    /** Whatever both can do, they do by the same name. */
    @Test
    void optionsAreNamedAsThoseOfPython() throws Exception {
        Process python = new ProcessBuilder(Path.of(".venv", "bin", "python").toString(), "-m", "upscale", "--help")
                .directory(Path.of("..").toFile())
                .redirectErrorStream(true)
                .start();
        String help = new String(python.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, python.waitFor(), help);
        Set<String> ours = new TreeSet<>(options(run("--help").out()));
        ours.removeAll(Set.of("--bytes", "--json", "--timeout"));
        Set<String> theirs = new TreeSet<>(options(help));
        theirs.add("--again"); // if that of Python does not have it yet
        assertEquals(theirs, ours);
    }

    /** The long options that a text has at the beginning of a line, or behind a short one. */
    private static List<String> options(String help) {
        return Pattern.compile("(?m)^ +(?:-\\w, )?(--[a-z-]+)")
                .matcher(help)
                .results()
                .map(match -> match.group(1))
                .toList();
    }

    private static String version(Path jar) {
        return jar.toString().replaceFirst(".*client-(.*)-cli.jar", "$1");
    }
}
