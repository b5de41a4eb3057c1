package imagesuperscaling.client;

import com.google.gson.JsonParseException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A client of one upscaling service. It is immutable, thread-safe and pools connections: create one per service and
 * reuse it.
 *
 * <pre>{@code
 * UpscaleClient client = UpscaleClient.of("http://localhost:7777");
 * client.upscale(Path.of("in.jpg")).toFile(Path.of("out.jpg"));
 * }</pre>
 *
 * <p>Requests are retried after status 429 (busy, or the rate limit is reached) and 503 (inference failed, or the service is stopping or not
 * available). The client waits as long as {@code Retry-After} says, otherwise 1, 2, 4, … seconds. Nothing else is
 * retried, but requests about {@linkplain #jobs() jobs} also after a broken connection.
 *
 * <p>An interrupt cancels the request or the wait, with an {@link InterruptedException}.
 */
public final class UpscaleClient {
    private final URI ping;
    private final URI models;
    private final URI upscale;
    private final String estimate;
    private final Wire wire;
    private final String base;
    private final Requests requests;

    UpscaleClient(UpscaleClientBuilder settings) {
        ping = URI.create(settings.base() + "/ping");
        models = URI.create(settings.base() + "/models");
        upscale = URI.create(settings.base() + "/upscale");
        estimate = settings.base() + "/estimate";
        wire = settings.wire();
        base = settings.base();
        requests = new Requests(settings.transport(), settings.retries(), settings.longestWait());
    }

    /**
     * Creates a client with default settings.
     *
     * @param baseUrl address of the service, http or https, optionally with a path, such as
     *     {@code http://localhost:7777}
     * @return the client
     * @throws IllegalArgumentException if {@code baseUrl} is not such a URL
     */
    public static UpscaleClient of(String baseUrl) {
        return builder(baseUrl).build();
    }

    /**
     * Starts a client with other settings.
     *
     * @param baseUrl as for {@link #of}
     * @return a builder with the default settings
     * @throws IllegalArgumentException if {@code baseUrl} is not such a URL
     */
    public static UpscaleClientBuilder builder(String baseUrl) {
        return new UpscaleClientBuilder(baseUrl);
    }

    /**
     * Checks that the service is running. It answers even when it is busy.
     *
     * @return the answer
     * @throws UpscaleException if there was no answer, or an error or malformed one
     * @throws InterruptedException if the thread was interrupted
     */
    public PingOutput ping() throws UpscaleException, InterruptedException {
        HttpResponse<byte[]> answer = requests.send(HttpRequest.newBuilder(ping).build());
        try {
            return new PingOutput(Json.bool(Json.read(answer.body()), "success")
                    .orElseThrow(() -> Problems.malformed(answer, "there is no boolean success", null)));
        } catch (JsonParseException wrong) {
            throw Problems.notJson(answer, "object", wrong);
        }
    }

    /**
     * Lists the models that the service has loaded.
     *
     * @return the models, the default first
     * @throws UpscaleException if there was no answer, or an error or malformed one
     * @throws InterruptedException if the thread was interrupted
     */
    public List<Model> models() throws UpscaleException, InterruptedException {
        HttpResponse<byte[]> answer = requests.send(HttpRequest.newBuilder(models).build());
        try {
            return ModelList.read(answer.body());
        } catch (JsonParseException wrong) {
            throw Problems.notJson(answer, "array", wrong);
        } catch (IllegalArgumentException wrong) {
            throw Problems.malformed(answer, wrong.getMessage(), wrong);
        }
    }

    /**
     * Enlarges an image and keeps its format.
     *
     * @param image the content of the image file
     * @return the image, twice as wide and twice as high
     * @throws UpscaleException if there was no answer, or an error or malformed one
     * @throws InterruptedException if the thread was interrupted
     */
    public UpscaleOutput upscale(byte[] image) throws UpscaleException, InterruptedException {
        return upscale(UpscaleInput.fromBytes(image));
    }

    /**
     * Enlarges an image file and keeps its format.
     *
     * @param file the image file
     * @return the image, twice as wide and twice as high
     * @throws UpscaleException if there was no answer, or an error or malformed one
     * @throws IOException if the file can't be read
     * @throws InterruptedException if the thread was interrupted
     */
    public UpscaleOutput upscale(Path file) throws IOException, InterruptedException {
        return upscale(UpscaleInput.fromFile(file));
    }

    /**
     * Enlarges an image with options for the output.
     *
     * @param input the image and the options
     * @return the image, of the size that the options ask for
     * @throws UpscaleException if there was no answer, or an error or malformed one
     * @throws InterruptedException if the thread was interrupted
     */
    public UpscaleOutput upscale(UpscaleInput input) throws UpscaleException, InterruptedException {
        HttpResponse<byte[]> answer = requests.send(
                wire.request(upscale, input.image(), input.options().members()));
        try {
            return new UpscaleOutput(
                    wire.image(answer), answer.headers().firstValue("X-Upscaler-Notes").orElse(""));
        } catch (JsonParseException wrong) {
            throw Problems.notJson(answer, "object", wrong);
        } catch (IllegalArgumentException wrong) {
            throw Problems.malformed(answer, wrong.getMessage(), wrong);
        }
    }

    /**
     * Enlarges an image and tells of the progress. This may take an hour, where a request without a listener has 90 s by
     * the service's defaults.
     *
     * <pre>{@code
     * client.upscale(input, progress -> System.out.println(progress.done() + " of " + progress.total()));
     * }</pre>
     *
     * @param input the image and the options
     * @param listener is told what happens, in this thread
     * @return the image, of the size that the options ask for
     * @throws UpscaleException if the service did not answer, went silent, failed, or gave a malformed answer
     * @throws InterruptedException if the thread was interrupted
     */
    public UpscaleOutput upscale(UpscaleInput input, UpscaleListener listener)
            throws UpscaleException, InterruptedException {
        Map<String, Object> options = input.options().members();
        if (listener.wantsTiles()) {
            options.put("tiles", true);
        }
        HttpRequest plain = wire.request(upscale, input.image(), options);
        HttpRequest request = HttpRequest.newBuilder(plain, (name, value) -> true)
                .setHeader("Accept", Transport.EVENTS)
                .build();
        return requests.listen(request, listener);
    }

    /**
     * Asks how long an image would take now, at twice its size and by the default model.
     *
     * @param width of the image in px
     * @param height of the image in px
     * @return the estimate
     * @throws UpscaleException.Rejected if no such image can be enlarged
     * @throws UpscaleException if there was no answer, or another error or malformed one
     * @throws InterruptedException if the thread was interrupted
     */
    public Estimate estimate(int width, int height) throws UpscaleException, InterruptedException {
        return estimate(width, height, 1, UpscaleOptions.DEFAULT);
    }

    /**
     * Asks how long an image, animation or document would take now.
     *
     * @param width of the image in px
     * @param height of the image in px
     * @param frames of an animation, or pages; 1 or more
     * @param options for the output; without a format, the one that takes the most memory is assumed
     * @return the estimate
     * @throws UpscaleException.Rejected if no such image can be enlarged, or not with these options
     * @throws UpscaleException if there was no answer, or another error or malformed one
     * @throws InterruptedException if the thread was interrupted
     */
    public Estimate estimate(int width, int height, int frames, UpscaleOptions options)
            throws UpscaleException, InterruptedException {
        Map<String, Object> query = new LinkedHashMap<>();
        query.put("width", width);
        query.put("height", height);
        if (frames != 1) {
            query.put("frames", frames);
        }
        query.putAll(options.estimateMembers());
        HttpResponse<byte[]> answer = requests.send(
                HttpRequest.newBuilder(Wire.withQuery(estimate, query)).build());
        try {
            return Estimate.read(Json.read(answer.body()));
        } catch (JsonParseException wrong) {
            throw Problems.notJson(answer, "object", wrong);
        } catch (IllegalArgumentException wrong) {
            throw Problems.malformed(answer, wrong.getMessage(), wrong);
        }
    }

    /**
     * Jobs of the service: images that it enlarges whether or not somebody waits for them.
     *
     * @return a client of jobs, with the settings of this one; as thread-safe
     */
    public JobsClient jobs() {
        return new JobsClient(base, requests);
    }
}
