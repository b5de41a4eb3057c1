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
 * The enlarged picture.
 *
 * @param image the image file's bytes; not copied
 * @param notes what of the input could not be kept, in words; empty: nothing was lost
 */
public record UpscaleOutput(byte[] image, String notes) {
    /**
     * Refuses {@code null}.
     *
     * @param image the image file's bytes
     * @param notes what could not be kept
     */
    public UpscaleOutput {
        Objects.requireNonNull(image, "image");
        Objects.requireNonNull(notes, "notes");
    }

    /**
     * Writes the image file. It appears as a whole or not at all: it is written beside its place under another name,
     * and then moved. A file that is there already is replaced.
     *
     * @param file where to; its folder must exist
     * @throws IOException if it can't be written
     */
    public void toFile(Path file) throws IOException {
        // Not createTempFile: that would make it readable for its owner alone.
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
