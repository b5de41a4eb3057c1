package imagesuperscaling.client;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;

/**
 * What to enlarge, and how to answer.
 *
 * @param image the image file's bytes; not copied, so leave them alone until the answer is there
 * @param options how to answer
 */
public record UpscaleInput(byte[] image, UpscaleOptions options) {
    /**
     * Refuses {@code null}.
     *
     * @param image the image file's bytes
     * @param options how to answer
     */
    public UpscaleInput {
        Objects.requireNonNull(image, "image");
        Objects.requireNonNull(options, "options");
    }

    /**
     * Takes an image file's bytes, with default options.
     *
     * @param image the image file's bytes
     * @return the message
     */
    public static UpscaleInput fromBytes(byte[] image) {
        return new UpscaleInput(image, UpscaleOptions.DEFAULT);
    }

    /**
     * Reads an image file, with default options.
     *
     * @param file the image file
     * @return the message
     * @throws IOException if the file can't be read
     */
    public static UpscaleInput fromFile(Path file) throws IOException {
        return fromBytes(Files.readAllBytes(file));
    }

    /**
     * The same picture with other options.
     *
     * @param other how to answer
     * @return a new message
     */
    public UpscaleInput with(UpscaleOptions other) {
        return new UpscaleInput(image, other);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof UpscaleInput input
                && Arrays.equals(image, input.image)
                && options.equals(input.options);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(image) + options.hashCode();
    }

    @Override
    public String toString() {
        return "UpscaleInput[image=" + image.length + " bytes, options=" + options + "]";
    }
}
