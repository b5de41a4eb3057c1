package imagesuperscaling.client;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * An image to enlarge as a job, options for the output, and what becomes of the job. Immutable.
 *
 * <pre>{@code
 * JobInput.fromFile(Path.of("in.tif")).with(options).inGroup("holiday")
 * }</pre>
 */
public final class JobInput {
    private final byte[] image;
    private final Path file;
    private final UpscaleOptions options;
    private final String group;
    private final URI webhook;
    private final String key;

    private JobInput(byte[] image, Path file, UpscaleOptions options, String group, URI webhook, String key) {
        this.image = image;
        this.file = file;
        this.options = options;
        this.group = group;
        this.webhook = webhook;
        this.key = key;
    }

    /**
     * An image in memory, with default options.
     *
     * @param image the content of the image file; not copied, so do not change it before the job is submitted
     * @return the input
     */
    public static JobInput fromBytes(byte[] image) {
        return new JobInput(
                Objects.requireNonNull(image, "image"), null, UpscaleOptions.DEFAULT, null, null, null);
    }

    /**
     * An image file, with default options. It is read when the job is submitted, piece by piece, and may be large.
     *
     * @param file the image file
     * @return the input
     */
    public static JobInput fromFile(Path file) {
        return new JobInput(null, Objects.requireNonNull(file, "file"), UpscaleOptions.DEFAULT, null, null, null);
    }

    /**
     * The same image with other options.
     *
     * @param value the new options
     * @return a new input
     */
    public JobInput with(UpscaleOptions value) {
        return new JobInput(image, file, Objects.requireNonNull(value, "options"), group, webhook, key);
    }

    /**
     * Puts the job into a group, whose jobs {@link JobsClient#list} lists.
     *
     * @param value 1 to 200 letters, digits, dots, dashes or underscores, beginning with a letter or digit
     * @return a new input
     */
    public JobInput inGroup(String value) {
        return new JobInput(image, file, options, Objects.requireNonNull(value, "group"), webhook, key);
    }

    /**
     * Lets the service tell the end of the job to an address, if its operator allows the host.
     *
     * @param value the address
     * @return a new input
     */
    public JobInput withWebhook(URI value) {
        return new JobInput(image, file, options, group, Objects.requireNonNull(value, "webhook"), key);
    }

    /**
     * Makes the job findable: whoever submits the same image and options with the same key gets the same job, also after
     * a crash. Without, each {@link JobsClient#submit} makes a new job.
     *
     * @param value 1 to 200 visible ASCII characters, such as a UUID
     * @return a new input
     */
    public JobInput withIdempotencyKey(String value) {
        return new JobInput(image, file, options, group, webhook, Objects.requireNonNull(value, "key"));
    }

    /** What the query of the request says. */
    Map<String, Object> members() {
        Map<String, Object> members = new LinkedHashMap<>(options.members());
        if (group != null) {
            members.put("group", group);
        }
        if (webhook != null) {
            members.put("webhook", webhook);
        }
        return members;
    }

    Optional<String> key() {
        return Optional.ofNullable(key);
    }

    /**
     * The image file as the body of a request, which may be sent several times.
     *
     * @throws IOException if the file can't be read
     */
    BodyPublisher body() throws IOException {
        return file == null ? BodyPublishers.ofByteArray(image) : BodyPublishers.ofFile(file);
    }
}
