package imagesuperscaling.client;

/**
 * Options for the enlarged image.
 *
 * @param format output format; {@code null}: that of the input
 * @param quality of JPEG, WebP or AVIF output, 1 to 100; {@code null}: the service's default
 * @param metadata which metadata the output keeps; {@code null}: all that its format can hold
 */
public record UpscaleOptions(ImageFormat format, Integer quality, MetadataChoice metadata) {
    /** The format of the input, the service's default quality, and all metadata. */
    public static final UpscaleOptions DEFAULT = new UpscaleOptions(null, null);

    /**
     * Checks the quality.
     *
     * @param format output format, or {@code null}
     * @param quality 1 to 100, or {@code null}
     * @param metadata which metadata the output keeps, or {@code null}
     * @throws IllegalArgumentException if the quality is not 1 to 100
     */
    public UpscaleOptions {
        if (quality != null && (quality < 1 || quality > 100)) {
            throw new IllegalArgumentException("quality is " + quality + ", must be 1 to 100");
        }
    }

    /**
     * Options that keep all metadata.
     *
     * @param format output format, or {@code null}
     * @param quality 1 to 100, or {@code null}
     * @throws IllegalArgumentException if the quality is not 1 to 100
     */
    public UpscaleOptions(ImageFormat format, Integer quality) {
        this(format, quality, null);
    }
}
