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

/** Sends single requests, with timeouts and a limit on the response's size. */
final class Transport {
    /** Maximum size of an error response in bytes; a longer one is truncated. */
    private static final int MAX_ERROR_BYTES = 1 << 16;

    private final HttpClient http;
    private final Duration connectTimeout;
    private final Duration requestTimeout;
    private final int maxBytes;

    Transport(Duration connectTimeout, Duration requestTimeout, int maxBytes) {
        this.connectTimeout = connectTimeout;
        this.requestTimeout = requestTimeout;
        this.maxBytes = maxBytes;
        // HTTP/2 starts with an upgrade header, which some proxies can't handle.
        this.http = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(connectTimeout)
                .build();
    }

    /** Sends a request and returns the response, whatever its status. */
    HttpResponse<byte[]> exchange(HttpRequest request) throws UpscaleException, InterruptedException {
        // Not send(): its timeout covers only the response head, so that a stalled body would block the thread forever.
        CompletableFuture<HttpResponse<byte[]>> pending = http.sendAsync(
                request, head -> new BoundedBody(head.statusCode() == 200 ? maxBytes : MAX_ERROR_BYTES));
        HttpResponse<byte[]> answer;
        try {
            answer = pending.get(requestTimeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException late) {
            throw UpscaleException.unanswered(
                    "no complete answer from " + request.uri() + " within " + seconds(requestTimeout), late);
        } catch (ExecutionException failure) {
            throw unanswered(request.uri(), failure.getCause());
        } finally {
            // Closes the connection after a timeout or an interrupt; otherwise has no effect.
            pending.cancel(true);
        }
        if (answer.statusCode() == 200 && answer.body().length > maxBytes) {
            throw Problems.malformed(answer, "it has more than " + maxBytes + " bytes", null);
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
        // With the class name, because the message is usually missing.
        String what = cause instanceof ConnectException ? "no connection to " : "no complete answer from ";
        return UpscaleException.unanswered(what + uri + ": " + cause, cause);
    }

    private static String seconds(Duration duration) {
        return duration.toMillis() / 1000.0 + " s";
    }
}
