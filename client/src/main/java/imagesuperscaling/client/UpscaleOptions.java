package imagesuperscaling.client;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Options for the enlarged image. {@link #builder()} makes them by name.
 *
 * @param format output format; {@code null}: that of the input
 * @param quality of JPEG, WebP or AVIF output, 1 to 100; {@code null}: the service's default
 * @param metadata which metadata the output keeps; {@code null}: all that its format can hold
 * @param scale factor of both sides, 1 to 8, where 1 removes JPEG artefacts; {@code null}: 2, unless there is a width or a height
 * @param width of the output in px, instead of a scale; without a height it keeps the ratio
 * @param height of the output in px, instead of a scale; without a width it keeps the ratio
 * @param fit how width and height together are meant
 * @param model a name that {@link UpscaleClient#models()} lists; {@code null}: the service's default
 * @param strength the model's share of the output, 0 to 1, which the service rounds to three decimals; the rest is its milder sibling's;
 *     {@code null}: 1, as with models that have no strength
 */
public record UpscaleOptions(
        ImageFormat format,
        Integer quality,
        MetadataChoice metadata,
        Double scale,
        Integer width,
        Integer height,
        Fit fit,
        String model,
        Double strength) {
    /** The format of the input, twice its size, the service's default quality and model, and all metadata. */
    public static final UpscaleOptions DEFAULT = builder().build();

    private static final int MAX_SCALE = 8;

    /**
     * Checks what the service would reject whatever the image is.
     *
     * @param format output format, or {@code null}
     * @param quality 1 to 100, or {@code null}
     * @param metadata which metadata the output keeps, or {@code null}
     * @param scale 1 to 8, or {@code null}
     * @param width at least 1, or {@code null}
     * @param height at least 1, or {@code null}
     * @param fit how width and height together are meant, or {@code null}
     * @param model the name of a model, or {@code null}
     * @param strength 0 to 1, or {@code null}
     * @throws IllegalArgumentException if a value is out of its range, or values contradict each other
     */
    public UpscaleOptions {
        if (quality != null && (quality < 1 || quality > 100)) {
            throw new IllegalArgumentException("quality is " + quality + ", must be 1 to 100");
        }
        if (scale != null && !(scale >= 1 && scale <= MAX_SCALE)) { // also NaN
            throw new IllegalArgumentException("scale is " + scale + ", must be 1 to " + MAX_SCALE);
        }
        checkSide("width", width);
        checkSide("height", height);
        if (scale != null && (width != null || height != null || fit != null)) {
            throw new IllegalArgumentException("scale can't be combined with width, height or fit");
        }
        if (width != null && height != null && fit == null) {
            throw new IllegalArgumentException(
                    "width and height together need a fit: inside, cover or fill; one alone keeps the ratio");
        }
        if (fit != null && width == null && height == null) {
            throw new IllegalArgumentException("fit needs width or height");
        }
        if (model != null && model.isEmpty()) {
            throw new IllegalArgumentException("model is empty, must be a name");
        }
        if (strength != null && !(strength >= 0 && strength <= 1)) { // also NaN
            throw new IllegalArgumentException("strength is " + strength + ", must be 0 to 1");
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

    /**
     * Options for the file, at twice the size of the image and by the service's default model.
     *
     * @param format output format, or {@code null}
     * @param quality 1 to 100, or {@code null}
     * @param metadata which metadata the output keeps, or {@code null}
     * @throws IllegalArgumentException if the quality is not 1 to 100
     */
    public UpscaleOptions(ImageFormat format, Integer quality, MetadataChoice metadata) {
        this(format, quality, metadata, null, null, null, null, null, null);
    }

    /**
     * Starts with the defaults.
     *
     * @return a builder
     */
    public static UpscaleOptionsBuilder builder() {
        return new UpscaleOptionsBuilder();
    }

    /**
     * Starts with these options.
     *
     * @return a builder
     */
    public UpscaleOptionsBuilder toBuilder() {
        return new UpscaleOptionsBuilder(this);
    }

    /** What a request says of these options: names, with values that are strings or numbers. */
    Map<String, Object> members() {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("format", format == null ? null : format.wireName());
        members.put("quality", quality);
        members.put("metadata", metadata == null ? null : metadata.wireName());
        members.put("scale", scale == null ? null : BigDecimal.valueOf(scale).stripTrailingZeros());
        members.put("width", width);
        members.put("height", height);
        members.put("fit", fit == null ? null : fit.wireName());
        members.put("model", model);
        members.put("strength", strength == null ? null : shortest(strength));
        members.values().removeIf(value -> value == null);
        return members;
    }

    /** The same as a question for an estimate, in which width and height are those of the image. */
    Map<String, Object> estimateMembers() {
        Map<String, Object> members = members();
        members.remove("quality"); // changes nothing
        Object[] sides = {members.remove("width"), members.remove("height")};
        members.put("targetWidth", sides[0]);
        members.put("targetHeight", sides[1]);
        members.values().removeIf(value -> value == null);
        return members;
    }

    /** Six decimals: smaller numbers would be written with an exponent, which a query may not have. */
    private static BigDecimal shortest(double number) {
        return BigDecimal.valueOf(number).setScale(6, RoundingMode.HALF_UP).stripTrailingZeros();
    }

    private static void checkSide(String name, Integer side) {
        if (side != null && side < 1) {
            throw new IllegalArgumentException(name + " is " + side + ", must be at least 1");
        }
    }
}
