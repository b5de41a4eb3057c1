package imagesuperscaling.client;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** An image format that the service reads and writes. */
public enum ImageFormat {
    /** JPEG; of an MPO the service reads the first picture. */
    JPEG("jpg", "jpeg", "jpe", "jfif", "mpo"),
    /** PNG, also animated. */
    PNG("png", "apng"),
    /** WebP, also animated. */
    WEBP("webp"),
    /** TIFF, also with several pages. */
    TIFF("tif", "tiff"),
    /** BMP. */
    BMP("bmp", "dib"),
    /** GIF, also animated. */
    GIF("gif");

    private final List<String> extensions;

    ImageFormat(String... extensions) {
        this.extensions = List.of(extensions);
    }

    /**
     * The name that the service knows this format by.
     *
     * @return such as {@code jpeg}
     */
    public String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * The usual extension of file names.
     *
     * @return without the dot, such as {@code jpg}
     */
    public String extension() {
        return extensions.get(0);
    }

    /**
     * The format of the service's name for it.
     *
     * @param wireName such as {@code jpeg}, in lower case
     * @return empty if there is no such format
     */
    public static Optional<ImageFormat> ofWireName(String wireName) {
        return List.of(values()).stream().filter(format -> format.wireName().equals(wireName)).findFirst();
    }

    /**
     * The format that a file's name promises; the file is not looked at.
     *
     * @param file any path
     * @return empty if the name has no extension or an unknown one
     */
    public static Optional<ImageFormat> ofFileName(Path file) {
        String name = file.toString();
        String extension = name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
        return List.of(values()).stream().filter(format -> format.extensions.contains(extension)).findFirst();
    }
}
