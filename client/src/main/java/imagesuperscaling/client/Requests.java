package imagesuperscaling.client;

import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Set;

/** Sends requests, with retries. */
final class Requests {
    private static final Set<Integer> TRANSIENT = Set.of(429, 503);
    /** No answer, or that of a proxy which waits in vain for a service that is being restarted. */
    private static final Set<Integer> BROKEN = Set.of(0, 502, 504);
    /** A request about a job may send a large file, for which the service waits ten minutes by default. */
    private static final Duration UPLOAD = Duration.ofMinutes(11);

    /** How long to ask again for what somebody waits for anyway. */
    static final Duration ABSENCE = Duration.ofMinutes(10);

    private static final Duration SHORTEST_PAUSE = Duration.ofMillis(200);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

    private final Transport transport;
    private final int retries;
    private final Duration longestWait;

    Requests(Transport transport, int retries, Duration longestWait) {
        this.transport = transport;
        this.retries = retries;
        this.longestWait = longestWait;
    }

    Transport transport() {
        return transport;
    }

    /** Sends a request and returns the 200 response. */
    HttpResponse<byte[]> send(HttpRequest request) throws UpscaleException, InterruptedException {
        for (int tried = 0; ; tried++) {
            HttpResponse<byte[]> answer = transport.exchange(request);
            if (answer.statusCode() == 200) {
                return answer;
            }
            pause(Problems.refused(answer), tried, TRANSIENT);
        }
    }

    /** Sends a request whose answer is a stream of events, and returns the result. */
    UpscaleOutput listen(HttpRequest request, UpscaleListener listener) throws UpscaleException, InterruptedException {
        for (int tried = 0; ; tried++) {
            try {
                return attempt(request, new Events(listener));
            } catch (UpscaleException failure) {
                pause(failure, tried, TRANSIENT);
            }
        }
    }

    private UpscaleOutput attempt(HttpRequest request, Events events) throws UpscaleException, InterruptedException {
        HttpResponse<byte[]> answer;
        try {
            answer = transport.listen(request, events);
        } catch (UpscaleException failure) {
            return events.output().orElseThrow(() -> failure); // whatever comes after a result
        }
        if (answer.statusCode() != 200) {
            throw Problems.refused(answer);
        }
        String type = answer.headers().firstValue("Content-Type").orElse("missing");
        if (!type.startsWith(Transport.EVENTS)) {
            throw Problems.malformed(answer, "its Content-Type is " + type + ", not " + Transport.EVENTS, null);
        }
        return events.output()
                .orElseThrow(() -> UpscaleException.unanswered(
                        "no complete answer from " + request.uri() + ": it ended before the result", null));
    }

    /** Sends a request that may be repeated whatever became of it, and returns the response with a status 200 to 299. */
    HttpResponse<byte[]> sendRepeatable(HttpRequest request) throws UpscaleException, InterruptedException {
        Duration timeout = transport.requestTimeout();
        Duration longer = request.bodyPublisher().isPresent() && timeout.compareTo(UPLOAD) < 0 ? UPLOAD : timeout;
        for (int tried = 0; ; tried++) {
            try {
                HttpResponse<byte[]> answer = transport.exchange(request, longer);
                if (answer.statusCode() / 100 == 2) {
                    return answer;
                }
                throw Problems.refused(answer);
            } catch (UpscaleException failure) {
                pauseRepeatable(failure, tried);
            }
        }
    }

    /** The same, but goes on for {@code absence} while the service is away, however often that is. */
    HttpResponse<byte[]> sendPatiently(HttpRequest request, Duration absence)
            throws UpscaleException, InterruptedException {
        long start = System.nanoTime();
        for (int tried = 0; ; tried++) {
            try {
                HttpResponse<byte[]> answer = transport.exchange(request);
                if (answer.statusCode() / 100 == 2) {
                    return answer;
                }
                throw Problems.refused(answer);
            } catch (UpscaleException failure) {
                boolean passes = TRANSIENT.contains(failure.status()) || BROKEN.contains(failure.status());
                if (!passes || System.nanoTime() - start > absence.toNanos()) {
                    throw failure;
                }
                Thread.sleep(bounded(failure.retryAfter().orElse(backoff(tried))).toMillis());
            }
        }
    }

    /** A pause between two questions about a job: what the service asks for, within bounds. */
    static Duration bounded(Duration pause) {
        Duration most = pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause;
        return most.compareTo(SHORTEST_PAUSE) < 0 ? SHORTEST_PAUSE : most;
    }

    /** Waits before the next attempt, after {@code tried} others; throws the failure if there should be none. */
    void pauseRepeatable(UpscaleException failure, int tried) throws UpscaleException, InterruptedException {
        pause(failure, tried, BROKEN.contains(failure.status()) ? BROKEN : TRANSIENT);
    }

    private void pause(UpscaleException failure, int tried, Set<Integer> passing)
            throws UpscaleException, InterruptedException {
        // Gives up if the service asks for a longer wait than allowed: an earlier retry would fail.
        if (!passing.contains(failure.status())
                || tried >= retries
                || failure.retryAfter().filter(wait -> wait.compareTo(longestWait) > 0).isPresent()) {
            throw failure;
        }
        Thread.sleep(failure.retryAfter().orElse(backoff(tried)).toMillis());
    }

    /** Exponential backoff, for responses without {@code Retry-After}. */
    private Duration backoff(int tried) {
        Duration wait = Duration.ofSeconds(1L << Math.min(tried, 30));
        return wait.compareTo(longestWait) > 0 ? longestWait : wait;
    }
}
