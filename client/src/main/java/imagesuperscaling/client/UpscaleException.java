package imagesuperscaling.client;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/**
 * A request failed: the service or a proxy answered with an error or a malformed response, or did not answer.
 *
 * <p>The message contains status, code, detail and request id in one line.
 */
public final class UpscaleException extends IOException {
    private static final long serialVersionUID = 1L;

    /** The HTTP status; 0 without an answer. */
    private final int status;

    /** The kind of problem, or null. */
    private final String code;

    /** What went wrong. */
    private final String detail;

    /** The request id in the service's log, or null. */
    private final String requestId;

    /** How long to wait, or null. */
    private final Duration retryAfter;

    private UpscaleException(
            int status, String code, String detail, String requestId, Duration retryAfter, Throwable cause) {
        super(message(status, code, detail, requestId), cause);
        this.status = status;
        this.code = code;
        this.detail = detail;
        this.requestId = requestId;
        this.retryAfter = retryAfter;
    }

    static UpscaleException unanswered(String detail, Throwable cause) {
        return new UpscaleException(0, null, detail, null, null, cause);
    }

    /** A 200 response that can't be used. */
    static UpscaleException malformed(int status, String detail, String requestId, Throwable cause) {
        return new UpscaleException(status, null, detail, requestId, null, cause);
    }

    static UpscaleException refused(int status, String code, String detail, String requestId, Duration retryAfter) {
        return new UpscaleException(status, code, detail, requestId, retryAfter, null);
    }

    private static String message(int status, String code, String detail, String requestId) {
        return (status == 0 ? "" : "HTTP " + status + (code == null ? "" : " " + code) + ": ")
                + detail
                + (requestId == null ? "" : " (request " + requestId + ")");
    }

    /**
     * The HTTP status of the answer.
     *
     * @return 201 to 599; 200 if the response was malformed; 0 if there was no complete response
     */
    public int status() {
        return status;
    }

    /**
     * The kind of problem, for programs.
     *
     * @return a code such as {@code image_corrupt}; empty if the response did not come from the service
     */
    public Optional<String> code() {
        return Optional.ofNullable(code);
    }

    /**
     * What went wrong, for people.
     *
     * @return one sentence
     */
    public String detail() {
        return detail;
    }

    /**
     * The request id, which is also in the service's log.
     *
     * @return empty if the response had none
     */
    public Optional<String> requestId() {
        return Optional.ofNullable(requestId);
    }

    /**
     * The wait before a retry that the service asked for, counted from its response.
     *
     * @return zero or more; empty if there was no valid {@code Retry-After}
     */
    public Optional<Duration> retryAfter() {
        return Optional.ofNullable(retryAfter);
    }
}
