package imagesuperscaling.client;

/**
 * Options for the enlarged image.
 *
 * @param format output format; {@code null}: that of the input
 * @param quality of JPEG, WebP or AVIF output, 1 to 100; {@code null}: the service's default
 */
public record UpscaleOptions(ImageFormat format, Integer quality) {
    /** The format of the input, and the service's default quality. */
    public static final UpscaleOptions DEFAULT = new UpscaleOptions(null, null);

    /**
     * Checks the quality.
     *
     * @param format output format, or {@code null}
     * @param quality 1 to 100, or {@code null}
     * @throws IllegalArgumentException if the quality is not 1 to 100
     */
    public UpscaleOptions {
        if (quality != null && (quality < 1 || quality > 100)) {
            throw new IllegalArgumentException("quality is " + quality + ", must be 1 to 100");
        }
    }
}
