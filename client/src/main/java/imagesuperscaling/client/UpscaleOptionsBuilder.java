package imagesuperscaling.client;

/** Builds {@link UpscaleOptions}. What is not set has its default. */
public final class UpscaleOptionsBuilder {
    private ImageFormat format;
    private Integer quality;
    private MetadataChoice metadata;
    private Double scale;
    private Integer width;
    private Integer height;
    private Fit fit;
    private String model;
    private Double strength;

    UpscaleOptionsBuilder() {}

    UpscaleOptionsBuilder(UpscaleOptions options) {
        format = options.format();
        quality = options.quality();
        metadata = options.metadata();
        scale = options.scale();
        width = options.width();
        height = options.height();
        fit = options.fit();
        model = options.model();
        strength = options.strength();
    }

    /**
     * Sets the format of the output.
     *
     * @param value default: that of the input
     * @return this builder
     */
    public UpscaleOptionsBuilder format(ImageFormat value) {
        format = value;
        return this;
    }

    /**
     * Sets the quality of JPEG, WebP or AVIF output.
     *
     * @param value 1 to 100; default: the service's
     * @return this builder
     */
    public UpscaleOptionsBuilder quality(Integer value) {
        quality = value;
        return this;
    }

    /**
     * Sets which metadata the output keeps.
     *
     * @param value default {@link MetadataChoice#KEEP}
     * @return this builder
     */
    public UpscaleOptionsBuilder metadata(MetadataChoice value) {
        metadata = value;
        return this;
    }

    /**
     * Sets the factor of both sides. The sides of the output are rounded to whole px.
     *
     * @param value 1 to 8, where 1 removes JPEG artefacts; default 2
     * @return this builder
     */
    public UpscaleOptionsBuilder scale(double value) {
        scale = value;
        return this;
    }

    /**
     * Sets the width of the output, instead of a scale. Without a height it keeps the ratio.
     *
     * @param value px, at least 1 and at most 8 times the width of the image
     * @return this builder
     */
    public UpscaleOptionsBuilder width(int value) {
        width = value;
        return this;
    }

    /**
     * Sets the height of the output, instead of a scale. Without a width it keeps the ratio.
     *
     * @param value px, at least 1 and at most 8 times the height of the image
     * @return this builder
     */
    public UpscaleOptionsBuilder height(int value) {
        height = value;
        return this;
    }

    /**
     * Sets how width and height together are meant.
     *
     * @param value needed if there are both
     * @return this builder
     */
    public UpscaleOptionsBuilder fit(Fit value) {
        fit = value;
        return this;
    }

    /**
     * Sets the model.
     *
     * @param value a name that {@link UpscaleClient#models()} lists; default: the service's default
     * @return this builder
     */
    public UpscaleOptionsBuilder model(String value) {
        model = value;
        return this;
    }

    /**
     * Sets the model's share of the output. The rest is its milder sibling's.
     *
     * @param value 0 to 1; default 1. Other values are for models that have {@link Model#strength()}
     * @return this builder
     */
    public UpscaleOptionsBuilder strength(double value) {
        strength = value;
        return this;
    }

    /**
     * Creates the options.
     *
     * @return options with these values
     * @throws IllegalArgumentException if a value is out of its range, or values contradict each other
     */
    public UpscaleOptions build() {
        return new UpscaleOptions(format, quality, metadata, scale, width, height, fit, model, strength);
    }
}
