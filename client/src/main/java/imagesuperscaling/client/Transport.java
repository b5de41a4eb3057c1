package imagesuperscaling.client;

import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.BodySubscribers;
import java.net.http.HttpResponse.ResponseInfo;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/** Sends single requests, with timeouts and a limit on the response's size. */
final class Transport {
    /** Maximum size of an error response in bytes; a longer one is truncated. */
    private static final int MAX_ERROR_BYTES = 1 << 16;

    /** Media type of a stream. */
    static final String EVENTS = "text/event-stream";

    /** How long the end of a stream may take after the result, so that the service does not miss its client. */
    private static final Duration FAREWELL = Duration.ofSeconds(1);

    /** Behind the last piece of a response; told apart by its identity. */
    private static final List<ByteBuffer> END = new ArrayList<>();

    private final HttpClient http;
    private final Duration connectTimeout;
    private final Duration requestTimeout;
    private final int maxBytes;
    /** Of the service, or null. */
    private final String apiKey;

    Transport(Duration connectTimeout, Duration requestTimeout, int maxBytes, String apiKey) {
        this.apiKey = apiKey;
        this.connectTimeout = connectTimeout;
        this.requestTimeout = requestTimeout;
        this.maxBytes = maxBytes;
        // Redirects are not followed, as by default: they would take the key elsewhere.
        // HTTP/2 starts with an upgrade header, which some proxies can't handle.
        this.http = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(connectTimeout)
                .build();
    }

    /** Sends a request and returns the response, whatever its status. */
    HttpResponse<byte[]> exchange(HttpRequest request) throws UpscaleException, InterruptedException {
        return exchange(request, requestTimeout);
    }

    /** The same with another timeout. */
    HttpResponse<byte[]> exchange(HttpRequest request, Duration timeout) throws UpscaleException, InterruptedException {
        HttpResponse<byte[]> answer = exchange(request, timeout, head -> bounded(head.statusCode()));
        if (answer.statusCode() == 200 && answer.body().length > maxBytes) {
            throw Problems.malformed(answer, "it has more than " + maxBytes + " bytes", null);
        }
        return answer;
    }

    /** Sends a request whose response goes into a file, if it is one; the body is then empty. */
    HttpResponse<byte[]> exchange(HttpRequest request, Function<ResponseInfo, BodySubscriber<Path>> intoFile)
            throws UpscaleException, InterruptedException {
        return exchange(
                request,
                requestTimeout,
                head -> head.statusCode() == 200 || head.statusCode() == 206
                        ? BodySubscribers.mapping(intoFile.apply(head), file -> new byte[0])
                        : bounded(head.statusCode()));
    }

    /**
     * Sends a request whose answer is a stream of events. It may take any time in which no pause is longer than the timeout
     * of a request. What is not a stream is returned as the response, with its body.
     */
    HttpResponse<byte[]> listen(HttpRequest request, Events events) throws UpscaleException, InterruptedException {
        BlockingQueue<List<ByteBuffer>> pieces = new LinkedBlockingQueue<>();
        EventBody body = new EventBody(pieces);
        EventParser parser = new EventParser(events, maxBytes);
        CompletableFuture<HttpResponse<byte[]>> pending = http.sendAsync(
                withKey(request), head -> isStream(head) ? body : bounded(head.statusCode()));
        pending.whenComplete((answer, failure) -> pieces.add(END));
        try {
            for (; ; ) {
                Duration patience = events.output().isPresent() ? FAREWELL : requestTimeout;
                List<ByteBuffer> piece = pieces.poll(patience.toMillis(), TimeUnit.MILLISECONDS);
                if (piece == null) {
                    throw UpscaleException.unanswered(
                            "nothing from " + request.uri() + " for " + seconds(patience), null);
                }
                if (piece == END) {
                    return pending.get();
                }
                for (ByteBuffer each : piece) {
                    parser.feed(each);
                }
                body.next();
            }
        } catch (EventParser.TooLarge wrong) {
            throw events.malformed("an event has more than " + maxBytes + " bytes", wrong);
        } catch (ExecutionException failure) {
            throw unanswered(request.uri(), failure.getCause());
        } finally {
            pending.cancel(true); // closes the connection, unless this is the end
        }
    }

    /** Maximum size of a response that is kept in memory, in bytes. */
    int maxBytes() {
        return maxBytes;
    }

    Duration requestTimeout() {
        return requestTimeout;
    }

    private static boolean isStream(ResponseInfo head) {
        String type = head.headers().firstValue("Content-Type").orElse("");
        return head.statusCode() == 200 && type.startsWith(EVENTS);
    }

    private BodySubscriber<byte[]> bounded(int status) {
        return new BoundedBody(status == 200 ? maxBytes : MAX_ERROR_BYTES);
    }

    private HttpResponse<byte[]> exchange(HttpRequest request, Duration timeout, BodyHandler<byte[]> body)
            throws UpscaleException, InterruptedException {
        // Not send(): its timeout covers only the response head, so that a stalled body would block the thread forever.
        CompletableFuture<HttpResponse<byte[]>> pending = http.sendAsync(withKey(request), body);
        try {
            return pending.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException late) {
            throw UpscaleException.unanswered(
                    "no complete answer from " + request.uri() + " within " + seconds(timeout), late);
        } catch (ExecutionException failure) {
            throw unanswered(request.uri(), failure.getCause());
        } finally {
            // Closes the connection after a timeout or an interrupt; otherwise has no effect.
            pending.cancel(true);
        }
    }

    private HttpRequest withKey(HttpRequest request) {
        if (apiKey == null) {
            return request;
        }
        return HttpRequest.newBuilder(request, (name, value) -> true)
                .setHeader("Authorization", "Bearer " + apiKey)
                .build();
    }

    private UpscaleException unanswered(URI uri, Throwable cause) {
        if (cause instanceof Error error) {
            throw error;
        }
        if (cause instanceof HttpConnectTimeoutException) {
            return UpscaleException.unanswered("no connection to " + uri + " within " + seconds(connectTimeout), cause);
        }
        // With the class name, because the message is usually missing.
        String what = cause instanceof ConnectException ? "no connection to " : "no complete answer from ";
        return UpscaleException.unanswered(what + uri + ": " + cause, cause);
    }

    private static String seconds(Duration duration) {
        return duration.toMillis() / 1000.0 + " s";
    }
}
