package imagesuperscaling.client;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Optional;

/** Converts error responses and malformed responses to exceptions. */
final class Problems {
    /** Length, in characters, of the quote from a response that is not a problem document. */
    private static final int MAX_QUOTE = 200;

    private Problems() {}

    /** An error response: its problem document (RFC 9457), otherwise a quote from it. */
    static UpscaleException refused(HttpResponse<byte[]> answer) {
        JsonObject problem = document(answer.body());
        return UpscaleException.refused(
                answer.statusCode(),
                Json.string(problem, "code").orElse(null),
                Json.string(problem, "detail").orElseGet(() -> "not the service's own answer " + quote(answer)),
                Json.string(problem, "requestId").or(() -> requestId(answer)).orElse(null),
                answer.headers()
                        .firstValue("Retry-After")
                        .flatMap(value -> RetryAfter.parse(value, Instant.now()))
                        .orElse(null));
    }

    /** The problem document of an image that was being enlarged: of a job, or as the last event of a stream. */
    static UpscaleException of(JsonObject problem) {
        return UpscaleException.refused(
                (int) Json.number(problem, "status").orElse(500),
                Json.string(problem, "code").orElse(null),
                Json.string(problem, "detail").orElse("it has failed"),
                Json.string(problem, "requestId").orElse(null),
                null);
    }

    /** A 200 response that can't be used. */
    static UpscaleException malformed(HttpResponse<byte[]> answer, String reason, Throwable cause) {
        return malformed(answer.statusCode(), reason, requestId(answer).orElse(null), cause);
    }

    static UpscaleException malformed(int status, String reason, String requestId, Throwable cause) {
        return UpscaleException.malformed(
                status, "the service's answer is malformed: " + reason, requestId, cause);
    }

    static UpscaleException notJson(HttpResponse<byte[]> answer, String expected, JsonParseException wrong) {
        return malformed(answer, "no JSON " + expected + " " + quote(answer), wrong);
    }

    private static Optional<String> requestId(HttpResponse<byte[]> answer) {
        return answer.headers().firstValue("X-Request-ID");
    }

    /** The problem document; empty if the body is not a JSON object, for example a proxy's error page. */
    private static JsonObject document(byte[] body) {
        try {
            return Json.read(body);
        } catch (JsonParseException foreign) {
            return new JsonObject();
        }
    }

    private static String quote(HttpResponse<byte[]> answer) {
        byte[] body = answer.body();
        // Read more than is quoted, because tags and white space are removed.
        String text = new String(body, 0, Math.min(body.length, 20 * MAX_QUOTE), StandardCharsets.UTF_8)
                .replaceAll("<[^>]*>", " ")
                .replaceAll("[\\s\\p{Cntrl}]+", " ")
                .strip();
        String type = answer.headers().firstValue("Content-Type").orElse("no Content-Type");
        String beginning = text.substring(0, Math.min(text.length(), MAX_QUOTE));
        return "(" + type + "): " + (text.isEmpty() ? "empty" : beginning);
    }
}
