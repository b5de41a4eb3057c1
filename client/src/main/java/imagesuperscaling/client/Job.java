package imagesuperscaling.client;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * A job, as it was when the service was asked: {@link JobsClient#find} asks again.
 *
 * @param id names it; whoever knows the id can fetch the result, unless the service knows owners
 * @param state where it is
 * @param done tiles that are done
 * @param total tiles of the image; 0 until the job is planned
 * @param timeLeft estimated time until the end; empty: nobody knows, or it has ended
 * @param group the name that was given to it and others
 * @param failure why it has failed
 */
public record Job(
        String id,
        JobState state,
        int done,
        int total,
        Optional<Duration> timeLeft,
        Optional<String> group,
        Optional<UpscaleException> failure) {
    /** What an id looks like, which becomes part of a path. */
    static final String ID = "[A-Za-z0-9]{1,100}";

    /**
     * Reads what the service says of a job.
     *
     * @throws IllegalArgumentException if something is missing or invalid; the message says what
     */
    static Job read(JsonObject job) {
        String id = Json.string(job, "id")
                .filter(text -> text.matches(ID))
                .orElseThrow(() -> new IllegalArgumentException("there is no valid id of a job"));
        JobState state = Json.string(job, "status")
                .flatMap(JobState::ofWireName)
                .orElseThrow(() -> new IllegalArgumentException("there is no valid status of a job"));
        OptionalDouble seconds = Json.number(job, "secondsLeft");
        return new Job(
                id,
                state,
                (int) Json.number(job, "done").orElse(0),
                (int) Json.number(job, "total").orElse(0),
                seconds.isEmpty()
                        ? Optional.empty()
                        : Optional.of(Duration.ofMillis(Math.round(seconds.getAsDouble() * 1000))),
                Json.string(job, "group"),
                Optional.ofNullable(failure(job.get("problem"))));
    }

    private static UpscaleException failure(JsonElement problem) {
        return problem != null && problem.isJsonObject() ? Problems.of(problem.getAsJsonObject()) : null;
    }
}
