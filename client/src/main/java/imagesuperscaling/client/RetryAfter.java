package imagesuperscaling.client;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.Optional;

/** Parses the header {@code Retry-After} (RFC 9110): whole seconds, or a date. */
final class RetryAfter {
    private RetryAfter() {}

    /** The requested wait; zero for a past date, empty if the value is invalid. */
    static Optional<Duration> parse(String value, Instant now) {
        String text = value.strip();
        // Ten digits, three centuries, fit into a long.
        if (text.matches("[0-9]{1,10}")) {
            return Optional.of(Duration.ofSeconds(Long.parseLong(text)));
        }
        try {
            Instant date = DateTimeFormatter.RFC_1123_DATE_TIME.parse(text, Instant::from);
            return Optional.of(date.isBefore(now) ? Duration.ZERO : Duration.between(now, date));
        } catch (DateTimeException neither) {
            return Optional.empty();
        }
    }
}
