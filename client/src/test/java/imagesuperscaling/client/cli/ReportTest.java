package imagesuperscaling.client.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import imagesuperscaling.client.UpscaleListener.Progress;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReportTest {
    private static final long HOUR = Duration.ofHours(1).toNanos();

    @ParameterizedTest
    @CsvSource({"false, true, 2", "true, true, 0", "false, false, 0"})
    void whatTakesLongIsReportedOn(boolean quiet, boolean isLong, int lines) {
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        PrintStream progress = new PrintStream(err, true, StandardCharsets.UTF_8);
        Report report = new Report(progress, quiet, new Plan(List.of(), Map.of(), Map.of()));
        var listener = report.listener(Path.of("a\n.png"), isLong ? 0 : HOUR);
        listener.progress(new Progress(1, 4, Duration.ofMillis(61_500)));
        listener.progress(new Progress(2, 4, Duration.ofMillis(41_500)));
        assertEquals(lines, err.toString(StandardCharsets.UTF_8).lines().count());
        if (lines > 0) {
            String first = err.toString(StandardCharsets.UTF_8).lines().toList().get(0);
            assertEquals("[1/0] a .png: 1 of 4 tiles, about 61 s left", first);
        }
    }
}
