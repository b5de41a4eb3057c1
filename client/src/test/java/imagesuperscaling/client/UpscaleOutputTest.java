package imagesuperscaling.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UpscaleOutputTest {
    private static final UpscaleOutput OUTPUT = new UpscaleOutput(new byte[] {1, 2, 3}, "");

    @TempDir
    Path folder;

    @Test
    void aFileIsWrittenAndReplaced() throws Exception {
        Path file = Files.writeString(folder.resolve("out.png"), "what was there before");
        OUTPUT.toFile(file);
        assertArrayEquals(OUTPUT.image(), Files.readAllBytes(file));
        assertEquals(List.of(file), files());
    }

    @Test
    void aFileHasThePermissionsOfAnyNewFile() throws Exception {
        Path file = folder.resolve("out.png");
        OUTPUT.toFile(file);
        Set<PosixFilePermission> usual = Files.getPosixFilePermissions(Files.createFile(folder.resolve("usual")));
        assertEquals(usual, Files.getPosixFilePermissions(file));
    }

    @Test
    void nothingIsLeftWhereItCanNotBeWritten() throws Exception {
        Path full = Files.createDirectory(folder.resolve("out.png"));
        Files.createFile(full.resolve("in the way"));
        assertThrows(IOException.class, () -> OUTPUT.toFile(full));
        assertEquals(List.of(full), files());
        assertThrows(NoSuchFileException.class, () -> OUTPUT.toFile(folder.resolve("none").resolve("out.png")));
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            return all.toList();
        }
    }
}
