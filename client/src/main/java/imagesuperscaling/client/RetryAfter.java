package imagesuperscaling.client;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.Optional;

/** The header {@code Retry-After}: whole seconds, or a date. */
final class RetryAfter {
    private RetryAfter() {}

    /** How long it asks to wait; empty if it says neither. A date in the past is zero. */
    static Optional<Duration> parse(String value, Instant now) {
        String text = value.strip();
        // Ten digits are three centuries.
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
