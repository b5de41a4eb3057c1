package imagesuperscaling.client;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Objects;
import java.util.UUID;

/**
 * The enlarged image.
 *
 * @param image the content of the image file; not copied
 * @param notes what could not be kept of the input, as text; empty if nothing was lost
 */
public record UpscaleOutput(byte[] image, String notes) {
    /**
     * Rejects {@code null}.
     *
     * @param image the content of the image file
     * @param notes what could not be kept
     */
    public UpscaleOutput {
        Objects.requireNonNull(image, "image");
        Objects.requireNonNull(notes, "notes");
    }

    /**
     * Writes the image file atomically, by a temporary file in the same folder. Replaces an existing file.
     *
     * @param file the file to write; its folder must exist
     * @throws IOException if it can't be written
     */
    public void toFile(Path file) throws IOException {
        // Not createTempFile, whose files only their owner can read.
        Path part = file.resolveSibling("." + UUID.randomUUID() + ".part");
        try {
            Files.write(part, image, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof UpscaleOutput output
                && Arrays.equals(image, output.image)
                && notes.equals(output.notes);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(image) + notes.hashCode();
    }

    @Override
    public String toString() {
        return "UpscaleOutput[image=" + image.length + " bytes, notes=" + notes + "]";
    }
}
