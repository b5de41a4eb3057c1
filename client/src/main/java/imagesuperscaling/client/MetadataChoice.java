package imagesuperscaling.client;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Which metadata the output keeps. */
public enum MetadataChoice {
    /** All that its format can hold. */
    KEEP,
    /** None: no EXIF, XMP, texts, resolution or ICC profile. */
    STRIP,
    /** Only what the colours mean, such as an ICC profile. */
    COLOUR;

    /**
     * The name of this choice in requests.
     *
     * @return a name such as {@code keep}
     */
    public String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * The choice with a name.
     *
     * @param wireName a name such as {@code keep}, in lower case
     * @return the choice; empty if there is none with this name
     */
    public static Optional<MetadataChoice> ofWireName(String wireName) {
        return List.of(values()).stream().filter(choice -> choice.wireName().equals(wireName)).findFirst();
    }
}
