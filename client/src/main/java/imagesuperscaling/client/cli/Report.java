package imagesuperscaling.client.cli;

import imagesuperscaling.client.UpscaleException;
import imagesuperscaling.client.UpscaleListener;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.Locale;

/** Prints a line about each image, as soon as it is done or has failed, and while it takes long. */
final class Report {
    /** Between two lines about an image that takes long, in nanoseconds. */
    private static final long PAUSE = 10_000_000_000L;

    private final PrintStream progress;
    private final boolean quiet;
    private final int count;
    private int reported;
    private int failed;

    /** Begins with what the plan says itself. {@code quiet}: only failures are printed. */
    Report(PrintStream progress, boolean quiet, Plan plan) {
        this.progress = progress;
        this.quiet = quiet;
        count = plan.count();
        say(plan.note());
        plan.unreadable().forEach(this::fail);
    }

    /** Work on one image; returns what to print, or null if it is not at its end. */
    @FunctionalInterface
    interface Work {
        String run() throws IOException, InterruptedException;
    }

    /** Works on one image. A failure is printed and stops no other image. */
    void attempt(Path input, Work work) throws InterruptedException {
        try {
            String line = work.run();
            if (line != null) {
                reported++;
                say(line("[" + reported + "/" + count + "] " + input + ": " + line));
            }
        } catch (IOException | OutOfMemoryError failure) {
            fail(input, failure);
        }
    }

    /** Prints how far an image is, if that takes long. */
    UpscaleListener listener(Path input) {
        return listener(input, PAUSE);
    }

    /** The same with another pause. */
    UpscaleListener listener(Path input, long pause) {
        long[] last = {System.nanoTime()};
        return now -> {
            if (System.nanoTime() - last[0] >= pause) {
                last[0] = System.nanoTime();
                say(line(String.format(
                        Locale.ROOT,
                        "[%d/%d] %s: %d of %d tiles, about %d s left",
                        reported + 1,
                        count,
                        input,
                        now.done(),
                        now.total(),
                        now.timeLeft().toSeconds())));
            }
        };
    }

    /** Prints the number of failures, and returns the exit status. */
    int status() {
        if (failed > 0) {
            progress.println(failed + " of " + count + " failed");
        }
        return failed > 0 ? 1 : 0;
    }

    private void fail(Path input, Throwable failure) {
        reported++;
        failed++;
        progress.println(line("[" + reported + "/" + count + "] " + input + ": failed: " + reason(failure)));
    }

    private void say(String line) {
        if (!quiet && !line.isEmpty()) {
            progress.println(line);
        }
    }

    /** What is printed of an image that is done. {@code start}: in nanoseconds of {@link System#nanoTime}. */
    static String line(long inputBytes, Path output, long outputBytes, long start, String notes) {
        return String.format(
                Locale.ROOT,
                "%s -> %s, %s, %.1f s%s",
                size(inputBytes),
                output,
                size(outputBytes),
                (System.nanoTime() - start) / 1e9,
                notes.isEmpty() ? "" : " (" + notes + ")");
    }

    /** Removes line breaks and other control characters, which file names and responses may contain. */
    static String line(String text) {
        return text.replaceAll("\\p{Cntrl}+", " ");
    }

    /** The reason of a failure. For file system errors the class says what happened, and the message where. */
    static String reason(Throwable failure) {
        if (failure instanceof FileAlreadyExistsException) {
            return failure.getMessage() + " exists already: --force replaces it";
        }
        return failure instanceof UpscaleException
                ? failure.getMessage()
                : failure.getClass().getSimpleName() + ": " + failure.getMessage();
    }

    private static String size(long bytes) {
        return String.format(Locale.ROOT, "%.1f kB", bytes / 1000.0);
    }
}
