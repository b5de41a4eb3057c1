package imagesuperscaling.client;

import java.util.OptionalDouble;

/**
 * A model that the service has loaded.
 *
 * @param name what {@link UpscaleOptions#model()} calls it
 * @param isDefault whether it enlarges where no model is named
 * @param scale factor of the network itself; other sizes are made of it
 * @param kind what its results are meant to be: {@code faithful} (as near to the original as can be known),
 *     {@code perceptual} (plausible, with details that are invented) or {@code line-art} (drawings)
 * @param precision in which it runs, such as {@code int8}
 * @param secondsPerMegapixel time of the network for a million px of input at present; empty: not measured yet
 * @param sha256 of the file of its weights, in hexadecimal
 * @param licence of its weights, an SPDX identifier or words
 * @param strength whether {@link UpscaleOptions#strength()} may be less than 1
 */
public record Model(
        String name,
        boolean isDefault,
        int scale,
        String kind,
        String precision,
        OptionalDouble secondsPerMegapixel,
        String sha256,
        String licence,
        boolean strength) {}
