package imagesuperscaling.client;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * Jobs of one service: images that it enlarges whether or not somebody waits. {@link UpscaleClient#jobs()} returns it.
 *
 * <pre>{@code
 * JobsClient jobs = client.jobs();
 * Job job = jobs.submit(JobInput.fromFile(Path.of("in.jpg")));
 * jobs.await(job, seen -> System.out.println(seen.done() + " of " + seen.total()));
 * jobs.download(job, Path.of("out.jpg"));
 * }</pre>
 *
 * <p>All requests may be repeated without harm, so they are retried after status 429, 502, 503, 504 and after broken
 * connections, as often as the client's settings say. A download that broke is resumed where it ended. Whoever waits for
 * the end of a job waits for a service that is away, too, for ten minutes.
 */
public final class JobsClient {
    private static final Duration USUAL_PAUSE = Duration.ofSeconds(2);

    private final String address;
    private final Requests requests;

    JobsClient(String base, Requests requests) {
        address = base + "/jobs";
        this.requests = requests;
    }

    /**
     * Hands an image in. Once this returns, the service won't lose it.
     *
     * @param input the image, options, and what becomes of the job
     * @return the job
     * @throws UpscaleException.Rejected if the image or an option can't be processed, or the Idempotency-Key was used
     *     for something else
     * @throws UpscaleException.Busy if the service has too many jobs
     * @throws UpscaleException if there was no answer, or another error or malformed one
     * @throws IOException if the file can't be read
     * @throws InterruptedException if the thread was interrupted
     */
    public Job submit(JobInput input) throws IOException, InterruptedException {
        // The same for all attempts: if the answer to one was lost, the next one finds its job.
        String key = input.key().orElseGet(() -> UUID.randomUUID().toString());
        HttpRequest request = HttpRequest.newBuilder(Wire.withQuery(address, input.members()))
                .header("Content-Type", "application/octet-stream")
                .header("Accept", "application/json, application/problem+json")
                .header("Idempotency-Key", key)
                .POST(input.body())
                .build();
        return read(requests.sendRepeatable(request));
    }

    /**
     * Asks where a job is.
     *
     * @param id of the job
     * @return the job as it is now
     * @throws UpscaleException.NotFound if there is no such job
     * @throws UpscaleException if there was no answer, or another error or malformed one
     * @throws InterruptedException if the thread was interrupted
     */
    public Job find(String id) throws UpscaleException, InterruptedException {
        return read(requests.sendRepeatable(get(uri(id))));
    }

    /**
     * Lists the jobs of a group, the oldest first.
     *
     * @param group its name
     * @return all of them; empty if there are none
     * @throws UpscaleException if there was no answer, or an error or malformed one
     * @throws InterruptedException if the thread was interrupted
     */
    public List<Job> list(String group) throws UpscaleException, InterruptedException {
        List<Job> jobs = new ArrayList<>();
        Map<String, Object> query = new LinkedHashMap<>(Map.of("group", group));
        for (; ; ) {
            HttpResponse<byte[]> answer = requests.sendRepeatable(get(Wire.withQuery(address, query)));
            Optional<String> cursor = readPage(answer, jobs);
            if (cursor.isEmpty()) {
                return List.copyOf(jobs);
            }
            query.put("cursor", cursor.get());
        }
    }

    /**
     * Waits for the end of a job.
     *
     * @param job the job
     * @return the job, which is done
     * @throws UpscaleException if the job has failed: the reason; {@link UpscaleException.NoResult} if it was cancelled
     * @throws InterruptedException if the thread was interrupted; the job goes on
     */
    public Job await(Job job) throws UpscaleException, InterruptedException {
        return await(job, seen -> {});
    }

    /**
     * Waits for the end of a job.
     *
     * @param job the job
     * @param progress is told of the job whenever the service was asked, the last time when it has ended
     * @return the job, which is done
     * @throws UpscaleException if the job has failed: the reason; {@link UpscaleException.NoResult} if it was cancelled
     * @throws InterruptedException if the thread was interrupted; the job goes on
     */
    public Job await(Job job, Consumer<Job> progress) throws UpscaleException, InterruptedException {
        return await(job, progress, Requests.ABSENCE);
    }

    /** The same; {@code absence}: how long a service that is away is waited for. */
    Job await(Job job, Consumer<Job> progress, Duration absence) throws UpscaleException, InterruptedException {
        for (; ; ) {
            HttpResponse<byte[]> answer = requests.sendPatiently(get(uri(job.id())), absence);
            Job seen = read(answer);
            progress.accept(seen);
            if (seen.state().isEnd()) {
                return done(seen);
            }
            Thread.sleep(pause(answer).toMillis());
        }
    }

    /**
     * Fetches the result of a job that is done.
     *
     * @param job the job
     * @return the image, and notes on it
     * @throws UpscaleException.NoResult if there is none
     * @throws UpscaleException.Expired if it is deleted
     * @throws UpscaleException if there was no answer, or another error or malformed one, or one that is larger than
     *     {@link UpscaleClientBuilder#mostAnswerBytes}: use {@link #download}
     * @throws IOException if it can't be kept in a temporary file
     * @throws InterruptedException if the thread was interrupted
     */
    public UpscaleOutput result(Job job) throws IOException, InterruptedException {
        Path file = Files.createTempFile("upscaled", ".part");
        try {
            String notes = fetch(job, file, requests.transport().maxBytes());
            return new UpscaleOutput(Files.readAllBytes(file), notes);
        } finally {
            Files.deleteIfExists(file);
        }
    }

    /**
     * Writes the result of a job that is done to a file, atomically, by a temporary file in the same folder. Replaces an
     * existing file. The result may be larger than memory.
     *
     * @param job the job
     * @param file the file to write; its folder must exist
     * @return what could not be kept of the input, as text; empty if nothing was lost
     * @throws UpscaleException.NoResult if there is none
     * @throws UpscaleException.Expired if it is deleted
     * @throws UpscaleException if there was no answer, or another error or malformed one
     * @throws IOException if it can't be written
     * @throws InterruptedException if the thread was interrupted
     */
    public String download(Job job, Path file) throws IOException, InterruptedException {
        Path part = Files.createFile(file.resolveSibling("." + UUID.randomUUID() + ".part"));
        try {
            String notes = fetch(job, part, Long.MAX_VALUE);
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
            return notes;
        } finally {
            Files.deleteIfExists(part);
        }
    }

    /**
     * Cancels a job; of one that is done, deletes the result.
     *
     * @param job the job
     * @throws UpscaleException.NotFound if there is no such job
     * @throws UpscaleException if there was no answer, or another error or malformed one
     * @throws InterruptedException if the thread was interrupted
     */
    public void cancel(Job job) throws UpscaleException, InterruptedException {
        requests.sendRepeatable(HttpRequest.newBuilder(uri(job.id())).DELETE().build());
    }

    /**
     * Does what {@link #submit} does, in a thread of its own.
     *
     * @param input the image, options, and what becomes of the job
     * @return the job. Cancelling the future interrupts the request
     */
    public CompletableFuture<Job> submitAsync(JobInput input) {
        return Background.run(() -> submit(input));
    }

    /**
     * Does what {@link #await(Job, Consumer)} does, in a thread of its own.
     *
     * @param job the job
     * @param progress is told of the job in that thread
     * @return the job, which is done. Cancelling the future ends the wait; the job goes on
     */
    public CompletableFuture<Job> awaitAsync(Job job, Consumer<Job> progress) {
        return Background.run(() -> await(job, progress));
    }

    /**
     * Submits an image, waits for the job's end and fetches the result, in a thread of its own.
     *
     * @param input the image, options, and what becomes of the job
     * @return the image, and notes on it. Cancelling the future ends the wait; the job goes on
     */
    public CompletableFuture<UpscaleOutput> enlargeAsync(JobInput input) {
        return Background.run(() -> result(await(submit(input))));
    }

    private String fetch(Job job, Path file, long maxBytes) throws IOException, InterruptedException {
        return new JobDownload(requests, URI.create(uri(job.id()) + "/result"), file, maxBytes).fetch();
    }

    private URI uri(String id) {
        if (!id.matches(Job.ID)) {
            throw new IllegalArgumentException("no id of a job: " + id);
        }
        return URI.create(address + "/" + id);
    }

    private static HttpRequest get(URI uri) {
        return HttpRequest.newBuilder(uri).header("Accept", "application/json, application/problem+json").build();
    }

    private static Job done(Job job) throws UpscaleException {
        if (job.state() == JobState.DONE) {
            return job;
        }
        String state = job.state() == JobState.CANCELLED ? "was cancelled" : "has failed";
        throw job.failure()
                .orElseGet(() -> UpscaleException.refused(409, null, "the job " + state, null, null));
    }

    private static Duration pause(HttpResponse<byte[]> answer) {
        return Requests.bounded(answer.headers()
                .firstValue("Retry-After")
                .flatMap(value -> RetryAfter.parse(value, Instant.now()))
                .orElse(USUAL_PAUSE));
    }

    private static Job read(HttpResponse<byte[]> answer) throws UpscaleException {
        try {
            return Job.read(Json.read(answer.body()));
        } catch (JsonParseException wrong) {
            throw Problems.notJson(answer, "object", wrong);
        } catch (IllegalArgumentException wrong) {
            throw Problems.malformed(answer, wrong.getMessage(), wrong);
        }
    }

    /** Adds the jobs of a page, and returns where the next page begins. */
    private static Optional<String> readPage(HttpResponse<byte[]> answer, List<Job> jobs) throws UpscaleException {
        try {
            JsonObject page = Json.read(answer.body());
            JsonElement listed = page.get("jobs");
            if (listed == null || !listed.isJsonArray()) {
                throw new IllegalArgumentException("there is no array jobs");
            }
            for (JsonElement each : listed.getAsJsonArray()) {
                if (!each.isJsonObject()) {
                    throw new IllegalArgumentException("a job is not a JSON object");
                }
                jobs.add(Job.read(each.getAsJsonObject()));
            }
            return Json.string(page, "cursor");
        } catch (JsonParseException wrong) {
            throw Problems.notJson(answer, "object", wrong);
        } catch (IllegalArgumentException wrong) {
            throw Problems.malformed(answer, wrong.getMessage(), wrong);
        }
    }
}
