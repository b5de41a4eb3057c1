package imagesuperscaling.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@link UpscaleOptions} accept, and what they reject before anything is sent. */
class UpscaleOptionsTest {
    private static UpscaleOptionsBuilder options() {
        return UpscaleOptions.builder();
    }

    private static String refusal(UpscaleOptionsBuilder options) {
        return assertThrows(IllegalArgumentException.class, options::build).getMessage();
    }

    @Test
    void theBuilderSetsWhatItNames() {
        UpscaleOptions options = options()
                .format(ImageFormat.PNG)
                .quality(7)
                .metadata(MetadataChoice.STRIP)
                .width(800)
                .height(600)
                .fit(Fit.COVER)
                .model("fast")
                .strength(0.5)
                .build();
        assertEquals(
                new UpscaleOptions(ImageFormat.PNG, 7, MetadataChoice.STRIP, null, 800, 600, Fit.COVER, "fast", 0.5),
                options);
        assertEquals(options, options.toBuilder().build());
        assertEquals(3.0, options().scale(3).build().scale());
        assertEquals(UpscaleOptions.DEFAULT, options().build());
        assertEquals(UpscaleOptions.DEFAULT, new UpscaleOptions(null, null, null));
    }

    @Test
    void optionsThatWereBuiltDoNotChange() {
        UpscaleOptionsBuilder builder = options().scale(3);
        UpscaleOptions three = builder.build();
        assertEquals(4.0, builder.scale(4).build().scale());
        assertEquals(3.0, three.scale());
    }

    @ParameterizedTest
    @ValueSource(doubles = {1, 1.5, 8})
    void aScaleFromOneToEight(double scale) {
        assertEquals(scale, options().scale(scale).build().scale());
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -1, 0.999, 8.001, 9, Double.NaN, Double.POSITIVE_INFINITY})
    void anyOtherScale(double scale) {
        assertEquals("scale is " + scale + ", must be 1 to 8", refusal(options().scale(scale)));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1, Integer.MIN_VALUE})
    void aSideIsAtLeastOne(int side) {
        assertEquals("width is " + side + ", must be at least 1", refusal(options().width(side)));
        assertEquals("height is " + side + ", must be at least 1", refusal(options().height(side)));
    }

    @ParameterizedTest
    @CsvSource(nullValues = "-", delimiter = '|', value = {
        "2 | 10 | - | - | scale can't be combined with width, height or fit",
        "2 | - | 10 | - | scale can't be combined with width, height or fit",
        "2 | - | - | FILL | scale can't be combined with width, height or fit",
        "- | 9 | 9 | - | width and height together need a fit: inside, cover or fill; one alone keeps the ratio",
        "- | - | - | INSIDE | fit needs width or height"
    })
    void sizesThatContradictEachOther(Double scale, Integer width, Integer height, Fit fit, String message) {
        IllegalArgumentException refused = assertThrows(
                IllegalArgumentException.class,
                () -> new UpscaleOptions(null, null, null, scale, width, height, fit, null, null));
        assertEquals(message, refused.getMessage());
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.25, 1})
    void aStrengthFromZeroToOne(double strength) {
        assertEquals(strength, options().strength(strength).build().strength());
    }

    @ParameterizedTest
    @ValueSource(doubles = {-0.001, 1.001, 2, Double.NaN, Double.POSITIVE_INFINITY})
    void anyOtherStrength(double strength) {
        assertEquals("strength is " + strength + ", must be 0 to 1", refusal(options().strength(strength)));
    }

    @Test
    void aModelHasAName() {
        assertEquals("model is empty, must be a name", refusal(options().model("")));
    }
}
