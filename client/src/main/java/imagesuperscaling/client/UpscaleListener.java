package imagesuperscaling.client;

import java.time.Duration;

/**
 * Is told what becomes of an image while {@link UpscaleClient#upscale(UpscaleInput, UpscaleListener)} waits for it, in the
 * thread that waits. A lambda hears of the progress; the other methods are there to be overridden.
 *
 * <p>What a listener throws ends the request, and the service stops at its next tile. While a listener takes its time, the
 * service leaves events out; the result is complete in any case.
 */
@FunctionalInterface
public interface UpscaleListener {
    /**
     * A part of the work is done.
     *
     * @param progress how much
     */
    void progress(Progress progress);

    /**
     * The service has read the image and will enlarge it. Said again if the request has to be repeated.
     *
     * @param accepted what the result will be
     */
    default void accepted(Accepted accepted) {}

    /**
     * The image, enlarged without the network, to be shown in the place of the result.
     *
     * @param preview the picture
     */
    default void preview(Preview preview) {}

    /**
     * A part of the result is done. Only for listeners that {@linkplain #wantsTiles() want tiles}; pictures in CMYK or
     * with 16 bits have none, nor have results that are smaller than the image.
     *
     * @param tile the part
     */
    default void tile(Tile tile) {}

    /**
     * Whether the service is to send the parts of the result as they are done.
     *
     * @return false, unless overridden
     */
    default boolean wantsTiles() {
        return false;
    }

    /**
     * What the result will be.
     *
     * @param requestId the request id, which is also in the service's log
     * @param mediaType of the result, such as {@code image/jpeg}
     * @param width of the result in px
     * @param height of the result in px
     * @param frames of an animation, or pages
     * @param tiles that the network processes
     * @param timeLeft estimated time until the result, other images included
     * @param ahead number of other images in progress
     */
    record Accepted(
            String requestId,
            String mediaType,
            int width,
            int height,
            int frames,
            int tiles,
            Duration timeLeft,
            int ahead) {}

    /**
     * How much is done.
     *
     * @param done tiles that are done
     * @param total tiles of the image
     * @param timeLeft estimated time until the result
     */
    record Progress(int done, int total, Duration timeLeft) {}

    /**
     * A small picture of what the result will show.
     *
     * @param image the content of the image file; not copied
     * @param mediaType of the image file
     * @param width in px, at most 512
     * @param height in px, at most 512
     */
    record Preview(byte[] image, String mediaType, int width, int height) {}

    /**
     * A part of the result.
     *
     * @param image the content of the image file; not copied
     * @param mediaType of the image file
     * @param frame index of the frame or page, from 0
     * @param left distance from the left edge of the result, in px
     * @param top distance from the upper edge of the result, in px
     * @param width in px
     * @param height in px
     */
    record Tile(byte[] image, String mediaType, int frame, int left, int top, int width, int height) {}
}
