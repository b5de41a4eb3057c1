package imagesuperscaling.client;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;

/**
 * An image to enlarge, and options for the output.
 *
 * @param image the content of the image file; not copied, so do not change it before the answer arrives
 * @param options options for the output
 */
public record UpscaleInput(byte[] image, UpscaleOptions options) {
    /**
     * Rejects {@code null}.
     *
     * @param image the content of the image file
     * @param options options for the output
     */
    public UpscaleInput {
        Objects.requireNonNull(image, "image");
        Objects.requireNonNull(options, "options");
    }

    /**
     * Creates an input with default options from bytes.
     *
     * @param image the content of the image file
     * @return the input
     */
    public static UpscaleInput fromBytes(byte[] image) {
        return new UpscaleInput(image, UpscaleOptions.DEFAULT);
    }

    /**
     * Creates an input with default options from a file.
     *
     * @param file the image file
     * @return the input
     * @throws IOException if the file can't be read
     */
    public static UpscaleInput fromFile(Path file) throws IOException {
        return fromBytes(Files.readAllBytes(file));
    }

    /**
     * The same image with other options.
     *
     * @param other the new options
     * @return a new input
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
