package imagesuperscaling.client;

import com.google.gson.JsonElement;
import com.google.gson.JsonParseException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;

/**
 * A service that enlarges pictures. Immutable: one instance serves any number of threads, and keeps connections for
 * them, so make one for each service and keep it.
 *
 * <pre>{@code
 * UpscaleClient client = UpscaleClient.of("http://localhost:7777");
 * client.upscale(Path.of("in.jpg")).toFile(Path.of("out.jpg"));
 * }</pre>
 *
 * <p>Status 429 (busy) and 503 (the engine failed, the service stops, or a proxy has none) are tried again, after as
 * long as the answer's {@code Retry-After} asks, or 1, 2, 4, … seconds if it doesn't. Nothing else is tried again.
 *
 * <p>A thread that is interrupted hangs up, or stops waiting for the next try, and gets an
 * {@link InterruptedException}.
 */
public final class UpscaleClient {
    private static final Set<Integer> PASSING = Set.of(429, 503);

    private final URI ping;
    private final URI upscale;
    private final Wire wire;
    private final int retries;
    private final Duration longestWait;
    private final Transport transport;

    UpscaleClient(UpscaleClientBuilder settings) {
        ping = URI.create(settings.base() + "/ping");
        upscale = URI.create(settings.base() + "/upscale");
        wire = settings.wire();
        retries = settings.retries();
        longestWait = settings.longestWait();
        transport = settings.transport();
    }

    /**
     * A client with default settings.
     *
     * @param baseUrl where the service is, http or https, also with a path; such as {@code http://localhost:7777}
     * @return the client
     * @throws IllegalArgumentException if that is not such a URL
     */
    public static UpscaleClient of(String baseUrl) {
        return builder(baseUrl).build();
    }

    /**
     * The settings of a client.
     *
     * @param baseUrl as for {@link #of}
     * @return settings, to be changed and built
     * @throws IllegalArgumentException if that is not such a URL
     */
    public static UpscaleClientBuilder builder(String baseUrl) {
        return new UpscaleClientBuilder(baseUrl);
    }

    /**
     * Asks whether the service is there. It answers also while it works.
     *
     * @return its answer
     * @throws UpscaleException if it didn't answer, or not as it should
     * @throws InterruptedException if the thread was interrupted
     */
    public PingOutput ping() throws UpscaleException, InterruptedException {
        HttpResponse<byte[]> answer = send(HttpRequest.newBuilder(ping).build());
        try {
            JsonElement success = Json.read(answer.body()).get("success");
            if (success == null || !success.isJsonPrimitive() || !success.getAsJsonPrimitive().isBoolean()) {
                throw Problems.malformed(answer, "there is no boolean success", null);
            }
            return new PingOutput(success.getAsBoolean());
        } catch (JsonParseException wrong) {
            throw Problems.notJson(answer, wrong);
        }
    }

    /**
     * Enlarges a picture, in its own format.
     *
     * @param image the image file's bytes
     * @return the picture, twice as wide and twice as high
     * @throws UpscaleException if the service refused it, didn't answer, or not as it should
     * @throws InterruptedException if the thread was interrupted
     */
    public UpscaleOutput upscale(byte[] image) throws UpscaleException, InterruptedException {
        return upscale(UpscaleInput.fromBytes(image));
    }

    /**
     * Enlarges a picture, in its own format.
     *
     * @param file the image file
     * @return the picture, twice as wide and twice as high
     * @throws UpscaleException if the service refused it, didn't answer, or not as it should
     * @throws IOException if the file can't be read
     * @throws InterruptedException if the thread was interrupted
     */
    public UpscaleOutput upscale(Path file) throws IOException, InterruptedException {
        return upscale(UpscaleInput.fromFile(file));
    }

    /**
     * Enlarges a picture, and answers as its options say.
     *
     * @param input the picture and the options
     * @return the picture, twice as wide and twice as high
     * @throws UpscaleException if the service refused it, didn't answer, or not as it should
     * @throws InterruptedException if the thread was interrupted
     */
    public UpscaleOutput upscale(UpscaleInput input) throws UpscaleException, InterruptedException {
        HttpResponse<byte[]> answer = send(wire.request(upscale, input));
        try {
            byte[] image = wire.image(answer);
            if (image.length == 0) {
                throw Problems.malformed(answer, "the picture is empty", null);
            }
            return new UpscaleOutput(
                    image, answer.headers().firstValue("X-Upscaler-Notes").orElse(""));
        } catch (JsonParseException wrong) {
            throw Problems.notJson(answer, wrong);
        } catch (IllegalArgumentException wrong) {
            throw Problems.malformed(answer, wrong.getMessage(), wrong);
        }
    }

    /** The answer of success; the passing failures are tried again. */
    private HttpResponse<byte[]> send(HttpRequest request) throws UpscaleException, InterruptedException {
        for (int tried = 0; ; tried++) {
            HttpResponse<byte[]> answer = transport.exchange(request);
            if (answer.statusCode() == 200) {
                return answer;
            }
            UpscaleException refused = Problems.refused(answer);
            // Who is asked to wait longer than is wanted gives up: coming earlier would be in vain.
            if (!PASSING.contains(refused.status())
                    || tried == retries
                    || refused.retryAfter().filter(wait -> wait.compareTo(longestWait) > 0).isPresent()) {
                throw refused;
            }
            Thread.sleep(refused.retryAfter().orElse(unasked(tried)).toMillis());
        }
    }

    /** How long to wait where the service doesn't say: doubled each time. */
    private Duration unasked(int tried) {
        Duration wait = Duration.ofSeconds(1L << Math.min(tried, 30));
        return wait.compareTo(longestWait) > 0 ? longestWait : wait;
    }
}
