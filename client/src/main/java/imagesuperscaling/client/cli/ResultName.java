package imagesuperscaling.client.cli;

import imagesuperscaling.client.Fit;
import imagesuperscaling.client.ImageFormat;
import imagesuperscaling.client.UpscaleOptions;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Names of results, which are those that the command line in Python gives. */
final class ResultName {
    private static final BigDecimal DEFAULT_SCALE = BigDecimal.valueOf(2);
    /** What {@link #suffix} returns, at the end of a name without its extension. */
    private static final Pattern SUFFIX =
            Pattern.compile("-(x[1-8](\\.[0-9]+)?|w[0-9]+(h[0-9]+(-(cover|fill))?)?|h[0-9]+)$");

    private ResultName() {}

    /** Whether a file's extension is an image's. */
    static boolean isImage(Path file) {
        return ImageFormat.ofFileName(file).isPresent() || ImageFormat.isReadOnly(file);
    }

    /** The options with a format for a file whose own is not written: HEIC becomes JPEG. */
    static UpscaleOptions writable(Path input, UpscaleOptions options) {
        return options.format() == null && ImageFormat.isReadOnly(input)
                ? options.toBuilder().format(ImageFormat.JPEG).build()
                : options;
    }

    /** The name of a result: that of the input, with {@code behind} after its stem and an extension of the format. */
    static String of(Path input, UpscaleOptions options, String behind) {
        String name = input.getFileName().toString();
        String stem = isImage(input) ? stem(name) : name; // ".v2" is not an image's extension, so it stays
        Optional<ImageFormat> own = ImageFormat.ofFileName(input);
        Optional<ImageFormat> format = Optional.ofNullable(options.format()).or(() -> own);
        boolean several = name.toLowerCase(Locale.ROOT).endsWith(".mpo"); // of which a result has one
        if (format.equals(own) && !several) {
            return stem + behind + name.substring(stem.length());
        }
        return stem + behind + format.map(each -> "." + each.extension()).orElse("");
    }

    /** The end of a result's name, if it is beside its input: -x2, -w2000, -h1000, -w800h600, -w800h600-cover. */
    static String suffix(UpscaleOptions options) {
        if (options.width() == null && options.height() == null) {
            BigDecimal scale = options.scale() == null ? DEFAULT_SCALE : BigDecimal.valueOf(options.scale());
            return "-x" + scale.stripTrailingZeros().toPlainString();
        }
        String width = options.width() == null ? "" : "w" + options.width();
        String height = options.height() == null ? "" : "h" + options.height();
        boolean both = options.width() != null && options.height() != null;
        return "-" + width + height + (both && options.fit() != Fit.INSIDE ? "-" + options.fit().wireName() : "");
    }

    /** The suffix that a file is named with as if it were a result. */
    static Optional<String> suffixOf(Path file) {
        Matcher suffix = SUFFIX.matcher(stem(file.getFileName().toString()));
        return suffix.find() ? Optional.of(suffix.group()) : Optional.empty();
    }

    private static String stem(String name) {
        int dot = name.lastIndexOf('.');
        return dot > 0 ? name.substring(0, dot) : name;
    }
}
