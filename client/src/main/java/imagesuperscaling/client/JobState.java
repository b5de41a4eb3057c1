package imagesuperscaling.client;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** Where a job is. The last three states are ends. */
public enum JobState {
    /** Nothing is done yet. */
    QUEUED,
    /** It is being done. */
    RUNNING,
    /** The result is there, for the time that the service keeps it. */
    DONE,
    /** There is no result, and will be none. */
    FAILED,
    /** Somebody cancelled it. */
    CANCELLED;

    /**
     * Whether it stays.
     *
     * @return true for the last three
     */
    public boolean isEnd() {
        return this != QUEUED && this != RUNNING;
    }

    static Optional<JobState> ofWireName(String name) {
        return Arrays.stream(values())
                .filter(state -> state.name().toLowerCase(Locale.ROOT).equals(name))
                .findFirst();
    }
}
