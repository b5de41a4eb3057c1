package imagesuperscaling.client.cli;

import imagesuperscaling.client.Fit;
import imagesuperscaling.client.ImageFormat;
import imagesuperscaling.client.MetadataChoice;
import java.util.Locale;
import java.util.Map;

/** Reads the values of options. */
final class Values {
    static final int MAX_SIDE = 9_999_999;
    private static final Map<String, String> OTHER_NAMES = Map.of("jpg", "jpeg", "tif", "tiff");

    private Values() {}

    static ImageFormat format(String text) throws UsageException {
        String name = text.toLowerCase(Locale.ROOT);
        return ImageFormat.ofWireName(OTHER_NAMES.getOrDefault(name, name))
                .orElseThrow(() ->
                        new UsageException("--format is one of jpeg, png, webp, tiff, bmp, gif, avif, not " + text));
    }

    static MetadataChoice metadata(String text) throws UsageException {
        return MetadataChoice.ofWireName(text)
                .orElseThrow(() -> new UsageException("--metadata is one of keep, strip, colour, not " + text));
    }

    static Fit fit(String text) throws UsageException {
        return Fit.ofWireName(text)
                .orElseThrow(() -> new UsageException("--fit is one of inside, cover, fill, not " + text));
    }

    static String group(String text) throws UsageException {
        if (!text.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,199}")) {
            throw new UsageException("--group is 1 to 200 letters, digits, dots, dashes or underscores, not " + text);
        }
        return text;
    }

    static double scale(String text) throws UsageException {
        if (text.matches("[1-8](\\.[0-9]{1,9})?")) {
            double scale = Double.parseDouble(text);
            if (scale <= 8) {
                return scale;
            }
        }
        throw new UsageException("--scale is a number from 1 to 8, not " + text);
    }

    static double strength(String text) throws UsageException {
        if (text.matches("1(\\.0{1,6})?|0(\\.[0-9]{1,6})?")) {
            return Double.parseDouble(text);
        }
        throw new UsageException("--strength is a number from 0 to 1, not " + text);
    }

    static int number(String option, String text, int min, int max) throws UsageException {
        if (text.matches("[0-9]{1,7}")) {
            int number = Integer.parseInt(text);
            if (number >= min && number <= max) {
                return number;
            }
        }
        throw new UsageException(option + " is a number from " + min + " to " + max + ", not " + text);
    }
}
