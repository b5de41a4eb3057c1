package imagesuperscaling.client;

import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** One request, one answer: within the timeouts, and bounded. */
final class Transport {
    /** The most bytes of an answer to a failure; a longer one is cut off. */
    private static final int MOST_OF_FAILURES = 1 << 16;

    private final HttpClient http;
    private final Duration connectTimeout;
    private final Duration requestTimeout;
    private final int mostBytes;

    Transport(Duration connectTimeout, Duration requestTimeout, int mostBytes) {
        this.connectTimeout = connectTimeout;
        this.requestTimeout = requestTimeout;
        this.mostBytes = mostBytes;
        // HTTP/2 would begin with an upgrade header, which some proxies stumble over.
        this.http = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(connectTimeout)
                .build();
    }

    /** The answer, of whatever status. */
    HttpResponse<byte[]> exchange(HttpRequest request) throws UpscaleException, InterruptedException {
        // Not send(): its timeout ends with the answer's head, and a body that stalls would hold the thread for ever.
        CompletableFuture<HttpResponse<byte[]>> pending = http.sendAsync(
                request, head -> new BoundedBody(head.statusCode() == 200 ? mostBytes : MOST_OF_FAILURES));
        HttpResponse<byte[]> answer;
        try {
            answer = pending.get(requestTimeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException late) {
            throw UpscaleException.unanswered(
                    "no complete answer from " + request.uri() + " within " + seconds(requestTimeout), late);
        } catch (ExecutionException failure) {
            throw unanswered(request.uri(), failure.getCause());
        } finally {
            // Hangs up after a timeout or an interruption; otherwise nothing is left to cancel.
            pending.cancel(true);
        }
        if (answer.statusCode() == 200 && answer.body().length > mostBytes) {
            throw Problems.malformed(answer, "it has more than " + mostBytes + " bytes", null);
        }
        return answer;
    }

    private UpscaleException unanswered(URI uri, Throwable cause) {
        if (cause instanceof Error error) {
            throw error;
        }
        if (cause instanceof HttpConnectTimeoutException) {
            return UpscaleException.unanswered("no connection to " + uri + " within " + seconds(connectTimeout), cause);
        }
        // Its message is usually missing, the name of the class tells more.
        String what = cause instanceof ConnectException ? "no connection to " : "no complete answer from ";
        return UpscaleException.unanswered(what + uri + ": " + cause, cause);
    }

    private static String seconds(Duration duration) {
        return duration.toMillis() / 1000.0 + " s";
    }
}
