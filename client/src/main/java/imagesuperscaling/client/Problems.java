package imagesuperscaling.client;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Optional;

/** Answers to failures. */
final class Problems {
    /** The most characters of an answer that is no problem document. */
    private static final int MOST_QUOTED = 200;

    private Problems() {}

    /** The answer's problem document (RFC 9457), or what else the answer says. */
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

    /** An answer that means success and can't be used. */
    static UpscaleException malformed(HttpResponse<byte[]> answer, String reason, Throwable cause) {
        return UpscaleException.malformed(
                answer.statusCode(),
                "the service's answer is malformed: " + reason,
                requestId(answer).orElse(null),
                cause);
    }

    static UpscaleException notJson(HttpResponse<byte[]> answer, JsonParseException wrong) {
        return malformed(answer, "no JSON object " + quote(answer), wrong);
    }

    private static Optional<String> requestId(HttpResponse<byte[]> answer) {
        return answer.headers().firstValue("X-Request-ID");
    }

    /** The document; empty if the answer is none, as a proxy's is. */
    private static JsonObject document(byte[] body) {
        try {
            return Json.read(body);
        } catch (JsonParseException foreign) {
            return new JsonObject();
        }
    }

    private static String quote(HttpResponse<byte[]> answer) {
        byte[] body = answer.body();
        // Tags and white space don't count, so more is looked at than is quoted.
        String text = new String(body, 0, Math.min(body.length, 20 * MOST_QUOTED), StandardCharsets.UTF_8)
                .replaceAll("<[^>]*>", " ")
                .replaceAll("[\\s\\p{Cntrl}]+", " ")
                .strip();
        String type = answer.headers().firstValue("Content-Type").orElse("no Content-Type");
        String beginning = text.substring(0, Math.min(text.length(), MOST_QUOTED));
        return "(" + type + "): " + (text.isEmpty() ? "empty" : beginning);
    }
}
