package imagesuperscaling.client;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** How an image is fitted into a width and a height. */
public enum Fit {
    /** As large as fits into both; the ratio stays. */
    INSIDE,
    /** Fills both; the ratio stays, and what stands out around the centre is cut off. */
    COVER,
    /** Fills both, stretched if need be. */
    FILL;

    /**
     * The name of this fit in requests.
     *
     * @return a name such as {@code inside}
     */
    public String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * The fit with a name.
     *
     * @param wireName a name such as {@code inside}, in lower case
     * @return the fit; empty if there is none with this name
     */
    public static Optional<Fit> ofWireName(String wireName) {
        return List.of(values()).stream().filter(fit -> fit.wireName().equals(wireName)).findFirst();
    }
}
