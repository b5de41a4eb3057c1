package imagesuperscaling.client;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** An image format that the service reads and writes. */
public enum ImageFormat {
    /** JPEG. The service reads only the first image of an MPO file. */
    JPEG("jpg", "jpeg", "jpe", "jfif", "mpo"),
    /** PNG, including animated PNG. */
    PNG("png", "apng"),
    /** WebP, including animations. */
    WEBP("webp"),
    /** TIFF, including several pages. */
    TIFF("tif", "tiff"),
    /** BMP. */
    BMP("bmp", "dib"),
    /** GIF, including animations. */
    GIF("gif"),
    /** AVIF with one picture. */
    AVIF("avif");

    private static final List<String> READ_ONLY = List.of("heic", "heif", "hif");

    private final List<String> extensions;

    ImageFormat(String... extensions) {
        this.extensions = List.of(extensions);
    }

    /**
     * The name of this format in requests.
     *
     * @return a name such as {@code jpeg}
     */
    public String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * The usual file name extension.
     *
     * @return the extension without the dot, such as {@code jpg}
     */
    public String extension() {
        return extensions.get(0);
    }

    /**
     * The format with a name.
     *
     * @param wireName a name such as {@code jpeg}, in lower case
     * @return the format; empty if there is none with this name
     */
    public static Optional<ImageFormat> ofWireName(String wireName) {
        return List.of(values()).stream().filter(format -> format.wireName().equals(wireName)).findFirst();
    }

    /**
     * The format by the extension of a file name. The file is not read.
     *
     * @param file any path
     * @return the format; empty if the extension is missing or unknown
     */
    public static Optional<ImageFormat> ofFileName(Path file) {
        String extension = extensionOf(file);
        return List.of(values()).stream().filter(format -> format.extensions.contains(extension)).findFirst();
    }

    /**
     * Whether a file is, by the extension of its name, in a format that the service reads and does not write: HEIC.
     *
     * @param file any path
     * @return true for HEIC
     */
    public static boolean isReadOnly(Path file) {
        return READ_ONLY.contains(extensionOf(file));
    }

    private static String extensionOf(Path file) {
        String name = file.toString();
        return name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
    }
}
