package imagesuperscaling.client;

/**
 * How the service is to write the enlarged picture.
 *
 * @param format the format of the answer; {@code null}: the picture's own
 * @param quality of a JPEG or WebP answer, 1 to 100; {@code null}: the service's setting
 */
public record UpscaleOptions(ImageFormat format, Integer quality) {
    /** The picture's own format, and the service's quality. */
    public static final UpscaleOptions DEFAULT = new UpscaleOptions(null, null);

    /**
     * Checks the quality.
     *
     * @param format the format of the answer, or {@code null}
     * @param quality 1 to 100, or {@code null}
     * @throws IllegalArgumentException if the quality is not 1 to 100
     */
    public UpscaleOptions {
        if (quality != null && (quality < 1 || quality > 100)) {
            throw new IllegalArgumentException("quality is " + quality + ", must be 1 to 100");
        }
    }
}
