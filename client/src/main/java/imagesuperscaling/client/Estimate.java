package imagesuperscaling.client;

import com.google.gson.JsonObject;
import java.time.Duration;

/**
 * What the service expects of an image that it has not seen.
 *
 * @param width of the result in px
 * @param height of the result in px
 * @param tiles that the network processes
 * @param time that the image would take alone
 * @param queueTime additional time due to the images in progress
 * @param ahead number of images in progress
 * @param plain whether a request would be admitted now
 * @param stream whether a request with a listener would be admitted now, which may take longer
 * @param job whether it would be taken as a {@linkplain UpscaleClient#jobs() job} now
 */
public record Estimate(
        int width,
        int height,
        int tiles,
        Duration time,
        Duration queueTime,
        int ahead,
        boolean plain,
        boolean stream,
        boolean job) {

    /**
     * Reads the answer of {@code GET /estimate}.
     *
     * @throws IllegalArgumentException if something is missing; the message says what
     */
    static Estimate read(JsonObject answer) {
        return new Estimate(
                Json.integer(answer, "width"),
                Json.integer(answer, "height"),
                Json.integer(answer, "tiles"),
                Json.seconds(answer, "seconds"),
                Json.seconds(answer, "queueSeconds"),
                Json.integer(answer, "ahead"),
                admitted(answer, "plain"),
                admitted(answer, "stream"),
                admitted(answer, "job"));
    }

    private static boolean admitted(JsonObject answer, String name) {
        return Json.bool(answer, name).orElseThrow(() -> new IllegalArgumentException("there is no boolean " + name));
    }
}
