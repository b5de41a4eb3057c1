package imagesuperscaling.client;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/**
 * A request failed: the service or a proxy answered with an error or a malformed response, or did not answer.
 *
 * <p>The message contains status, code, detail and request id in one line. What a program may want to tell apart has a
 * class of its own:
 *
 * <ul>
 *   <li>{@link Unauthorized}, 401: the service needs an API key, and the client has none that is valid
 *   <li>{@link Forbidden}, 403: the client may not do this
 *   <li>{@link NotFound}, 404: there is no such job, or the service takes none
 *   <li>{@link NoResult}, 409: the job is not finished, has failed or was cancelled
 *   <li>{@link Expired}, 410: the result of the job is deleted
 *   <li>{@link Rejected}, 422: the image or an option can't be processed
 *   <li>{@link Busy}, 429: the service has too much to do; {@link RateExceeded}: the client has sent too much
 *   <li>{@link Unavailable}, 503: the service can't work at the moment
 * </ul>
 */
public sealed class UpscaleException extends IOException {
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
        return switch (status) {
            case 401 -> new Unauthorized(code, detail, requestId, retryAfter);
            case 403 -> new Forbidden(code, detail, requestId, retryAfter);
            case 404 -> new NotFound(code, detail, requestId, retryAfter);
            case 409 -> new NoResult(code, detail, requestId, retryAfter);
            case 410 -> new Expired(code, detail, requestId, retryAfter);
            case 422 -> new Rejected(code, detail, requestId, retryAfter);
            case 429 -> "rate_exceeded".equals(code)
                    ? new RateExceeded(code, detail, requestId, retryAfter)
                    : new Busy(code, detail, requestId, retryAfter);
            case 503 -> new Unavailable(code, detail, requestId, retryAfter);
            default -> new UpscaleException(status, code, detail, requestId, retryAfter, null);
        };
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

    /** The service needs an API key: see {@link UpscaleClientBuilder#apiKey}. The client has none that is valid. */
    public static final class Unauthorized extends UpscaleException {
        private static final long serialVersionUID = 1L;

        private Unauthorized(String code, String detail, String requestId, Duration retryAfter) {
            super(401, code, detail, requestId, retryAfter, null);
        }
    }

    /** The service, or a proxy before it, does not let the client do this. */
    public static final class Forbidden extends UpscaleException {
        private static final long serialVersionUID = 1L;

        private Forbidden(String code, String detail, String requestId, Duration retryAfter) {
            super(403, code, detail, requestId, retryAfter, null);
        }
    }

    /** There is no such job, or it is somebody else's; or the service takes no jobs. */
    public static final class NotFound extends UpscaleException {
        private static final long serialVersionUID = 1L;

        private NotFound(String code, String detail, String requestId, Duration retryAfter) {
            super(404, code, detail, requestId, retryAfter, null);
        }
    }

    /** The job has no result: it is not finished, has failed or was cancelled; the code says which. */
    public static final class NoResult extends UpscaleException {
        private static final long serialVersionUID = 1L;

        private NoResult(String code, String detail, String requestId, Duration retryAfter) {
            super(409, code, detail, requestId, retryAfter, null);
        }
    }

    /** The job ended so long ago that its result is deleted. */
    public static final class Expired extends UpscaleException {
        private static final long serialVersionUID = 1L;

        private Expired(String code, String detail, String requestId, Duration retryAfter) {
            super(410, code, detail, requestId, retryAfter, null);
        }
    }

    /** The image or an option can't be processed, or an Idempotency-Key was used for something else. */
    public static final class Rejected extends UpscaleException {
        private static final long serialVersionUID = 1L;

        private Rejected(String code, String detail, String requestId, Duration retryAfter) {
            super(422, code, detail, requestId, retryAfter, null);
        }
    }

    /** The service has too much to do; the same request may succeed later. */
    public static sealed class Busy extends UpscaleException {
        private static final long serialVersionUID = 1L;

        private Busy(String code, String detail, String requestId, Duration retryAfter) {
            super(429, code, detail, requestId, retryAfter, null);
        }
    }

    /**
     * The client has sent as many requests, or pixels, as it may for now; {@link #retryAfter} says when it may send this
     * again.
     */
    public static final class RateExceeded extends Busy {
        private static final long serialVersionUID = 1L;

        private RateExceeded(String code, String detail, String requestId, Duration retryAfter) {
            super(code, detail, requestId, retryAfter);
        }
    }

    /** The service can't work at the moment; the same request may succeed later. */
    public static final class Unavailable extends UpscaleException {
        private static final long serialVersionUID = 1L;

        private Unavailable(String code, String detail, String requestId, Duration retryAfter) {
            super(503, code, detail, requestId, retryAfter, null);
        }
    }
}
